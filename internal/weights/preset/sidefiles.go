package preset

import (
	"encoding/json"
	"os"

	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/internal/model/arch"
	"github.com/hachi-serve/hachi/internal/text/chat"
	"github.com/hachi-serve/hachi/internal/text/tokenizer"
	"github.com/hachi-serve/hachi/internal/weights/staging"
)

// writeSideFiles writes everything that is not weights.
func writeSideFiles(dir *staging.Dir, c model.Config, shards []shard) error {
	files := map[string]any{
		"config.json":            arch.JSON(c),
		"generation_config.json": map[string]any{"bos_token_id": arch.JSON(c)["bos_token_id"], "eos_token_id": arch.JSON(c)["eos_token_id"]},
	}
	if len(shards) > 1 {
		files["model.safetensors.index.json"] = indexJSON(shards)
	}
	if c.Vocab == tokenizerVocab {
		files["tokenizer_config.json"] = tokenizerJSON(c)
		if err := os.WriteFile(dir.Path("tokenizer.model"), tokenizer.MistralV1(), 0o644); err != nil {
			return err
		}
	}
	for name, v := range files {
		data, err := json.MarshalIndent(v, "", "  ")
		if err == nil {
			err = os.WriteFile(dir.Path(name), append(data, '\n'), 0o644)
		}
		if err != nil {
			return err
		}
	}
	return nil
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
