package arch

import (
	"github.com/hachi-serve/hachi/internal/model"
)

// Mixtral is MixtralForCausalLM. Source: arXiv 2401.04088.
func Mixtral() Arch {
	return Arch{
		Name: "MixtralForCausalLM", ModelType: "mixtral",
		Keys: map[string]Key{
			"intermediate_size": Int(func(c *model.Config) *int { return &c.FFN }),
			"num_local_experts": Int(func(c *model.Config) *int { return &c.Experts }),
		},
		Required: []string{"intermediate_size", "num_local_experts"},
		Write: func(c model.Config, out map[string]any) {
			out["intermediate_size"], out["num_local_experts"] = c.FFN, c.Experts
			out["router_aux_loss_coef"] = 0.02
		},
		Names: map[Role]string{
			Embed: "model.embed_tokens.weight", FinalNorm: "model.norm.weight", Head: "lm_head.weight",
			InputNorm: "model.layers.{layer}.input_layernorm.weight",
			Q:         "model.layers.{layer}.self_attn.q_proj.weight",
			K:         "model.layers.{layer}.self_attn.k_proj.weight",
			V:         "model.layers.{layer}.self_attn.v_proj.weight",
			O:         "model.layers.{layer}.self_attn.o_proj.weight",
			PostNorm:  "model.layers.{layer}.post_attention_layernorm.weight",
			Gate:      "model.layers.{layer}.block_sparse_moe.gate.weight",
			W1:        "model.layers.{layer}.block_sparse_moe.experts.{expert}.w1.weight",
			W2:        "model.layers.{layer}.block_sparse_moe.experts.{expert}.w2.weight",
			W3:        "model.layers.{layer}.block_sparse_moe.experts.{expert}.w3.weight",
		},
		GGUF: GGUF{
			Architectures: []string{"llama", "mixtral"}, // the format calls Mixtral "llama" with experts
			RotaryPairs:   true,
			Names: map[Role]string{
				Embed: "token_embd.weight", FinalNorm: "output_norm.weight", Head: "output.weight",
				InputNorm: "blk.{layer}.attn_norm.weight", Q: "blk.{layer}.attn_q.weight", K: "blk.{layer}.attn_k.weight",
				V: "blk.{layer}.attn_v.weight", O: "blk.{layer}.attn_output.weight", PostNorm: "blk.{layer}.ffn_norm.weight",
				Gate: "blk.{layer}.ffn_gate_inp.weight", W1: "blk.{layer}.ffn_gate_exps.weight",
				W2: "blk.{layer}.ffn_down_exps.weight", W3: "blk.{layer}.ffn_up_exps.weight",
			},
		},
	}
}
