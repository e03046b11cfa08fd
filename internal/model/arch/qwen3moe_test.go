package arch

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/model"
)

// qwen3 is the configuration of Qwen3-30B-A3B as published, changed by edits:
// pairs of key and JSON value, "" removes the key.
func qwen3(t testing.TB, edits ...string) []byte {
	t.Helper()
	return edited(t, `{
		"architectures": ["Qwen3MoeForCausalLM"], "attention_bias": false, "attention_dropout": 0.0, "bos_token_id": 151643,
		"decoder_sparse_step": 1, "eos_token_id": 151645, "head_dim": 128, "hidden_act": "silu", "hidden_size": 2048,
		"initializer_range": 0.02, "intermediate_size": 6144, "max_position_embeddings": 40960, "max_window_layers": 48,
		"mlp_only_layers": [], "model_type": "qwen3_moe", "moe_intermediate_size": 768, "norm_topk_prob": true,
		"num_attention_heads": 32, "num_experts": 128, "num_experts_per_tok": 8, "num_hidden_layers": 48,
		"num_key_value_heads": 4, "output_router_logits": false, "rms_norm_eps": 1e-06, "rope_scaling": null,
		"rope_theta": 1000000.0, "router_aux_loss_coef": 0.001, "sliding_window": null, "tie_word_embeddings": false,
		"torch_dtype": "bfloat16", "transformers_version": "4.51.0", "use_cache": true, "use_sliding_window": false,
		"vocab_size": 151936}`, edits...)
}

func TestParseConfigOfQwen3MoE(t *testing.T) {
	c, _, err := ParseConfig(qwen3(t))
	if err != nil {
		t.Fatal(err)
	}
	want := model.Config{Arch: "Qwen3MoeForCausalLM", Layers: 48, Hidden: 2048, FFN: 768, Heads: 32, KVHeads: 4, HeadDim: 128, Vocab: 151936,
		Experts: 128, TopK: 8, Gate: model.TopKOfSoftmaxNormalized, QKNorm: true, RopeTheta: 1e6, NormEps: 1e-6, MaxContext: 40960,
		DType: tensor.BF16, BOS: 151643, EOS: []int{151645}}
	if fmt.Sprint(c) != fmt.Sprint(want) {
		t.Errorf("got  %+v\nwant %+v", c, want)
	}
	if got := c.Topology().String(); got != "48x128" {
		t.Errorf("topology %s", got)
	}
}

func TestQwen3LayersWithoutExperts(t *testing.T) {
	for _, tt := range []struct {
		layers, step, only string
		want               []int
	}{
		{"4", "1", "[]", nil},
		{"4", "2", "[]", []int{0, 2}},
		{"4", "1", "[3, 1]", []int{1, 3}},
		{"6", "3", "[2]", []int{0, 1, 2, 3, 4}},
	} {
		c, _, err := ParseConfig(qwen3(t, "num_hidden_layers", tt.layers, "decoder_sparse_step", tt.step, "mlp_only_layers", tt.only))
		if err != nil || !slices.Equal(c.DenseLayers, tt.want) {
			t.Errorf("%s layers, step %s, only %s: dense layers %v (%v), want %v", tt.layers, tt.step, tt.only, c.DenseLayers, err, tt.want)
		}
	}
}

func TestQwen3RefusesWhatItCannotCompute(t *testing.T) {
	for _, tt := range [][3]string{
		{"use_sliding_window", "true", "use_sliding_window: found true, expected false"},
		{"attention_bias", "true", "attention_bias: found true, expected false"},
		{"mlp_only_layers", "[48]", "mlp_only_layers: found layer 48, expected 0 to 47"},
		{"mlp_only_layers", "[-1]", "mlp_only_layers: found layer -1"},
		{"mlp_only_layers", "3", "mlp_only_layers: found 3, expected a list"},
		{"decoder_sparse_step", "0", "decoder_sparse_step: found 0, expected 1 or more"},
		{"decoder_sparse_step", "100", "all 48 layers are dense"},
		{"norm_topk_prob", `"yes"`, "norm_topk_prob: found"},
		{"num_hidden_layers", "1000000000000", "layers is 1000000000000, expected 1 to"},
		{"moe_intermediate_size", "", "moe_intermediate_size: missing"},
		{"layer_types", `["sliding_attention"]`, "layer_types: layer 0: found"},
		{"shared_expert_intermediate_size", "512", "shared_expert_intermediate_size: unknown key"},
		{"num_local_experts", "8", "num_experts: found 128, but num_local_experts says 8"},
		{"num_experts", "", "num_experts: missing"},
	} {
		_, _, err := ParseConfig(qwen3(t, tt[0], tt[1]))
		if err == nil || !strings.Contains(err.Error(), tt[2]) {
			t.Errorf("%s %s: error %v, want one with %q", tt[0], tt[1], err, tt[2])
		}
	}
}

func TestQwen3ConfigIsReadAsWritten(t *testing.T) {
	for _, edits := range [][]string{nil, {"norm_topk_prob", "false"}, {"decoder_sparse_step", "2", "mlp_only_layers", "[1]"}} {
		c, _, err := ParseConfig(qwen3(t, edits...))
		if err != nil {
			t.Fatal(err)
		}
		data, err := json.Marshal(JSON(c))
		if err != nil {
			t.Fatal(err)
		}
		again, _, err := ParseConfig(data)
		if err != nil || fmt.Sprint(again) != fmt.Sprint(c) {
			t.Errorf("%v: read %+v (%v), wrote %+v", edits, again, err, c)
		}
	}
}

func TestEveryArchitectureNamesEveryTensor(t *testing.T) {
	base := model.Config{Layers: 3, Hidden: 8, FFN: 8, DenseFFN: 8, Heads: 2, KVHeads: 1, HeadDim: 4, Vocab: 9, Experts: 2, TopK: 1}
	for _, a := range All() {
		c := base
		c.Arch = a.Name
		if a.Name == "Qwen3MoeForCausalLM" {
			c.QKNorm, c.DenseLayers = true, []int{1}
		}
		seen := map[string]bool{}
		for _, tensor := range a.Tensors(c) {
			if tensor.Name == "" || strings.Contains(tensor.Name, "{") || seen[tensor.Name] {
				t.Errorf("%s: role %s of layer %d has the name %q", a.Name, tensor.Role, tensor.Layer, tensor.Name)
			}
			seen[tensor.Name] = true
		}
	}
}
