package preset

import (
	"encoding/json"
	"os"
	"path/filepath"

	"github.com/hachi-serve/hachi/compute/tensor"
	"github.com/hachi-serve/hachi/model"
	"github.com/hachi-serve/hachi/model/chat"
	"github.com/hachi-serve/hachi/model/tokenizer"
)

// writeSideFiles writes everything that is not weights.
func writeSideFiles(dir string, c model.Config, shards []shard) error {
	files := map[string]any{
		"config.json":            configJSON(c),
		"generation_config.json": map[string]any{"bos_token_id": tokenOrNull(c.BOS), "eos_token_id": tokens(c.EOS)},
	}
	if len(shards) > 1 {
		files["model.safetensors.index.json"] = indexJSON(shards)
	}
	if c.Vocab == tokenizerVocab {
		files["tokenizer_config.json"] = tokenizerJSON(c)
		if err := os.WriteFile(filepath.Join(dir, "tokenizer.model"), tokenizer.MistralV1(), 0o644); err != nil {
			return err
		}
	}
	for name, v := range files {
		data, err := json.MarshalIndent(v, "", "  ")
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), append(data, '\n'), 0o644)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func configJSON(c model.Config) map[string]any {
	dtypes := map[tensor.DType]string{tensor.F32: "float32", tensor.F16: "float16", tensor.BF16: "bfloat16"}
	out := map[string]any{
		"architectures": []string{"MixtralForCausalLM"}, "model_type": "mixtral", "hidden_act": "silu",
		"hidden_size": c.Hidden, "intermediate_size": c.FFN, "num_hidden_layers": c.Layers,
		"num_attention_heads": c.Heads, "num_key_value_heads": c.KVHeads, "head_dim": c.HeadDim,
		"num_local_experts": c.Experts, "num_experts_per_tok": c.TopK, "vocab_size": c.Vocab,
		"max_position_embeddings": c.MaxContext, "rms_norm_eps": c.NormEps, "rope_theta": c.RopeTheta,
		"sliding_window": nil, "tie_word_embeddings": c.TieEmbeddings, "torch_dtype": dtypes[c.DType],
		"bos_token_id": tokenOrNull(c.BOS), "eos_token_id": tokens(c.EOS),
		"attention_dropout": 0.0, "initializer_range": 0.02, "output_router_logits": false,
		"router_aux_loss_coef": 0.02, "use_cache": true,
	}
	if c.SlidingWindow > 0 {
		out["sliding_window"] = c.SlidingWindow
	}
	return out
}

// tokenizerVocab is the size of the Mistral v1 vocabulary. A model of another
// size gets no tokenizer: it would not fit.
const tokenizerVocab = 32000

func tokenizerJSON(c model.Config) map[string]any {
	special := func(text string) map[string]any {
		return map[string]any{"content": text, "special": true, "lstrip": false, "rstrip": false, "normalized": false, "single_word": false}
	}
	return map[string]any{
		"tokenizer_class": "LlamaTokenizer", "add_bos_token": true, "add_eos_token": false,
		"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": nil,
		"added_tokens_decoder": map[string]any{"0": special("<unk>"), "1": special("<s>"), "2": special("</s>")},
		"chat_template":        chat.KarakuriTemplate, "clean_up_tokenization_spaces": false, "legacy": true,
		"model_max_length": c.MaxContext, "sp_model_kwargs": map[string]any{}, "use_default_system_prompt": false,
	}
}

func tokenOrNull(id int) any {
	if id < 0 {
		return nil
	}
	return id
}

// tokens is one id, as most configurations have it, or a list.
func tokens(ids []int) any {
	switch len(ids) {
	case 0:
		return nil
	case 1:
		return ids[0]
	}
	return ids
}

func indexJSON(shards []shard) map[string]any {
	var total int64
	where := map[string]string{}
	for _, s := range shards {
		total += s.dataBytes
		for _, t := range s.tensors {
			where[t.Name] = s.name
		}
	}
	return map[string]any{"metadata": map[string]any{"total_size": total}, "weight_map": where}
}
