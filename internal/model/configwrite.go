package model

import "github.com/hachi-serve/hachi/internal/compute/tensor"

// JSON is what ParseConfig reads, as config.json of a MixtralForCausalLM.
// Quantized weights are called bfloat16: the files say what they are.
func (c Config) JSON() map[string]any {
	dtypes := map[tensor.DType]string{tensor.F32: "float32", tensor.F16: "float16", tensor.BF16: "bfloat16",
		tensor.Int8: "bfloat16", tensor.Int4: "bfloat16", tensor.Int4Affine: "bfloat16"}
	out := map[string]any{
		"architectures": []string{"MixtralForCausalLM"}, "model_type": "mixtral", "hidden_act": "silu",
		"hidden_size": c.Hidden, "intermediate_size": c.FFN, "num_hidden_layers": c.Layers,
		"num_attention_heads": c.Heads, "num_key_value_heads": c.KVHeads, "head_dim": c.HeadDim,
		"num_local_experts": c.Experts, "num_experts_per_tok": c.TopK, "vocab_size": c.Vocab,
		"max_position_embeddings": c.MaxContext, "rms_norm_eps": c.NormEps, "rope_theta": c.RopeTheta,
		"sliding_window": nil, "tie_word_embeddings": c.TieEmbeddings,
		"bos_token_id": tokenOrNull(c.BOS), "eos_token_id": tokens(c.EOS),
		"attention_dropout": 0.0, "initializer_range": 0.02, "output_router_logits": false,
		"router_aux_loss_coef": 0.02, "use_cache": true,
	}
	if name, ok := dtypes[c.DType]; ok {
		out["torch_dtype"] = name
	}
	if c.SlidingWindow > 0 {
		out["sliding_window"] = c.SlidingWindow
	}
	return out
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
