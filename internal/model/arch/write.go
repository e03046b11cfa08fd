package arch

import (
	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/model"
)

// JSON is what ParseConfig reads, as the config.json of c's architecture.
// Quantized weights are called bfloat16: the files say what they are.
func JSON(c model.Config) map[string]any {
	a := Of(c)
	out := map[string]any{
		"architectures": []string{a.Name}, "model_type": a.ModelType, "hidden_act": "silu",
		"hidden_size": c.Hidden, "num_hidden_layers": c.Layers,
		"num_attention_heads": c.Heads, "num_key_value_heads": c.KVHeads, "head_dim": c.HeadDim,
		"num_experts_per_tok": c.TopK, "vocab_size": c.Vocab,
		"max_position_embeddings": c.MaxContext, "rms_norm_eps": c.NormEps, "rope_theta": c.RopeTheta,
		"sliding_window": nil, "tie_word_embeddings": c.TieEmbeddings,
		"bos_token_id": tokenOrNull(c.BOS), "eos_token_id": tokens(c.EOS),
		"attention_dropout": 0.0, "initializer_range": 0.02, "output_router_logits": false, "use_cache": true,
	}
	if name := dtypeName(c.DType); name != "" {
		out["torch_dtype"] = name
	}
	if c.SlidingWindow > 0 {
		out["sliding_window"] = c.SlidingWindow
	}
	a.Write(c, out)
	return out
}

// dtypeName is "" while the element type is not known.
func dtypeName(d tensor.DType) string {
	switch {
	case d == tensor.F32:
		return "float32"
	case d == tensor.F16:
		return "float16"
	case d == tensor.BF16 || d.Quantized():
		return "bfloat16"
	}
	return ""
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
