package arch

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/hachi-serve/hachi/internal/model"
)

// Qwen3MoE is Qwen3MoeForCausalLM: a norm over each head of q and k, a head dim
// apart from hidden size and heads, a softmax over all experts before the
// choice, layers without experts. Sources: arXiv 2505.09388; modeling_qwen3_moe.py
// of Hugging Face transformers.
func Qwen3MoE() Arch {
	return Arch{
		Name: "Qwen3MoeForCausalLM", ModelType: "qwen3_moe",
		Keys: map[string]Key{
			"moe_intermediate_size": Int(func(c *model.Config) *int { return &c.FFN }),
			"intermediate_size":     Int(func(c *model.Config) *int { return &c.DenseFFN }),
			"num_experts":           InFinish,
			"num_local_experts":     InFinish, // as transformers 5 writes num_experts
			"norm_topk_prob":        InFinish,
			"decoder_sparse_step":   InFinish,
			"mlp_only_layers":       InFinish,
			"layer_types":           MustBe(expectFullAttention),
			"use_sliding_window":    MustBe(expectFalse),
		},
		Required: []string{"moe_intermediate_size"},
		Ignored:  []string{"max_window_layers"}, // of use_sliding_window
		Finish:   finishQwen3MoE,
		Write:    writeQwen3MoE,
		Names: map[Role]string{
			Embed: "model.embed_tokens.weight", FinalNorm: "model.norm.weight", Head: "lm_head.weight",
			InputNorm: "model.layers.{layer}.input_layernorm.weight",
			Q:         "model.layers.{layer}.self_attn.q_proj.weight",
			K:         "model.layers.{layer}.self_attn.k_proj.weight",
			V:         "model.layers.{layer}.self_attn.v_proj.weight",
			QNorm:     "model.layers.{layer}.self_attn.q_norm.weight",
			KNorm:     "model.layers.{layer}.self_attn.k_norm.weight",
			O:         "model.layers.{layer}.self_attn.o_proj.weight",
			PostNorm:  "model.layers.{layer}.post_attention_layernorm.weight",
			Gate:      "model.layers.{layer}.mlp.gate.weight",
			W1:        "model.layers.{layer}.mlp.experts.{expert}.gate_proj.weight",
			W2:        "model.layers.{layer}.mlp.experts.{expert}.down_proj.weight",
			W3:        "model.layers.{layer}.mlp.experts.{expert}.up_proj.weight",
			DenseW1:   "model.layers.{layer}.mlp.gate_proj.weight",
			DenseW2:   "model.layers.{layer}.mlp.down_proj.weight",
			DenseW3:   "model.layers.{layer}.mlp.up_proj.weight",
		},
	}
}

// finishQwen3MoE derives the experts, the gate and the dense layers. A layer has experts when
// (layer+1) is a multiple of decoder_sparse_step and the layer is not in
// mlp_only_layers.
func finishQwen3MoE(c *model.Config, raw map[string]json.RawMessage) error {
	normalized, step, only := false, 1, []int{}
	err := errors.Join(
		readExperts(c, raw),
		Read(raw, "norm_topk_prob", &normalized, "true or false"),
		Read(raw, "decoder_sparse_step", &step, "an integer"),
		Read(raw, "mlp_only_layers", &only, "a list of layers"))
	if err != nil {
		return err
	}
	if step < 1 {
		return fmt.Errorf("decoder_sparse_step: found %d, expected 1 or more", step)
	}
	dense := map[int]bool{}
	for _, layer := range only {
		if layer < 0 || layer >= c.Layers {
			return fmt.Errorf("mlp_only_layers: found layer %d, expected 0 to %d", layer, c.Layers-1)
		}
		dense[layer] = true
	}
	for layer := range c.Layers {
		if dense[layer] || (layer+1)%step != 0 {
			c.DenseLayers = append(c.DenseLayers, layer)
		}
	}
	if len(c.DenseLayers) == 0 {
		c.DenseFFN = 0 // intermediate_size is of no layer
	}
	c.QKNorm = true
	c.SlidingWindow = 0 // use_sliding_window is false
	c.Gate = model.TopKOfSoftmax
	if normalized {
		c.Gate = model.TopKOfSoftmaxNormalized
	}
	return nil
}

// readExperts reads the number of experts from either of its names.
func readExperts(c *model.Config, raw map[string]json.RawMessage) error {
	if raw["num_experts"] == nil && raw["num_local_experts"] == nil {
		return errors.New("num_experts: missing")
	}
	local := 0
	if err := errors.Join(Read(raw, "num_experts", &c.Experts, "an integer"), Read(raw, "num_local_experts", &local, "an integer")); err != nil {
		return err
	}
	if raw["num_experts"] == nil {
		c.Experts = local
	} else if raw["num_local_experts"] != nil && local != c.Experts {
		return fmt.Errorf("num_experts: found %d, but num_local_experts says %d", c.Experts, local)
	}
	return nil
}

func writeQwen3MoE(c model.Config, out map[string]any) {
	out["moe_intermediate_size"], out["intermediate_size"], out["num_experts"] = c.FFN, c.DenseFFN, c.Experts
	out["norm_topk_prob"] = c.Gate == model.TopKOfSoftmaxNormalized
	out["decoder_sparse_step"], out["mlp_only_layers"] = 1, append([]int{}, c.DenseLayers...)
	out["use_sliding_window"] = false
}

// expectFullAttention accepts only layers that see every position.
func expectFullAttention(raw json.RawMessage) error {
	var kinds []string
	if err := value(raw, &kinds, "a list of names"); err != nil {
		return err
	}
	for layer, kind := range kinds {
		if kind != "full_attention" {
			return fmt.Errorf("layer %d: found %q, expected full_attention", layer, kind)
		}
	}
	return nil
}
