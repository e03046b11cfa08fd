package arch

import (
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/model"
)

// mixtral is the configuration of Mixtral 8x7B as published, changed by edits:
// pairs of key and JSON value, "" removes the key.
func mixtral(t testing.TB, edits ...string) []byte {
	t.Helper()
	return edited(t, `{
		"architectures": ["MixtralForCausalLM"], "attention_dropout": 0.0, "bos_token_id": 1, "eos_token_id": 2,
		"hidden_act": "silu", "hidden_size": 4096, "initializer_range": 0.02, "intermediate_size": 14336,
		"max_position_embeddings": 32768, "model_type": "mixtral", "num_attention_heads": 32,
		"num_experts_per_tok": 2, "num_hidden_layers": 32, "num_key_value_heads": 8, "num_local_experts": 8,
		"output_router_logits": false, "rms_norm_eps": 1e-05, "rope_theta": 1000000.0,
		"router_aux_loss_coef": 0.02, "sliding_window": null, "tie_word_embeddings": false,
		"torch_dtype": "bfloat16", "transformers_version": "4.36.0.dev0", "use_cache": true, "vocab_size": 32000
	}`, edits...)
}

// edited changes keys of a configuration: pairs of key and JSON value, ""
// removes the key.
func edited(t testing.TB, config string, edits ...string) []byte {
	t.Helper()
	base := map[string]json.RawMessage{}
	if err := json.Unmarshal([]byte(config), &base); err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(edits); i += 2 {
		if edits[i+1] == "" {
			delete(base, edits[i])
		} else {
			base[edits[i]] = json.RawMessage(edits[i+1])
		}
	}
	data, err := json.Marshal(base)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestParseConfigOfMixtral(t *testing.T) {
	c, ignored, err := ParseConfig(mixtral(t))
	if err != nil {
		t.Fatal(err)
	}
	want := model.Config{Arch: "MixtralForCausalLM", Layers: 32, Hidden: 4096, FFN: 14336, Heads: 32, KVHeads: 8, HeadDim: 128, Vocab: 32000, Experts: 8,
		TopK: 2, RopeTheta: 1e6, NormEps: 1e-5, MaxContext: 32768, DType: tensor.BF16, BOS: 1}
	eos := c.EOS
	c.EOS = nil
	if !slices.Equal(eos, []int{2}) || !equalConfigs(c, want) {
		t.Errorf("got %+v eos %v, want %+v", c, eos, want)
	}
	wantIgnored := []string{"attention_dropout", "initializer_range", "output_router_logits",
		"router_aux_loss_coef", "transformers_version", "use_cache"}
	if !slices.Equal(ignored, wantIgnored) {
		t.Errorf("ignored %v, want %v", ignored, wantIgnored)
	}
}

func equalConfigs(a, b model.Config) bool {
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(b)
	return string(x) == string(y)
}

func TestParseConfigVariants(t *testing.T) {
	tests := []struct {
		name  string
		edits []string
		check func(model.Config) bool
	}{
		{"head_dim null", []string{"head_dim", "null"}, func(c model.Config) bool { return c.HeadDim == 128 }},
		{"head_dim stated", []string{"head_dim", "64"}, func(c model.Config) bool { return c.HeadDim == 64 }},
		{"window", []string{"sliding_window", "4096"}, func(c model.Config) bool { return c.SlidingWindow == 4096 }},
		{"no window", []string{"sliding_window", ""}, func(c model.Config) bool { return c.SlidingWindow == 0 }},
		{"tied", []string{"tie_word_embeddings", "true"}, func(c model.Config) bool { return c.TieEmbeddings }},
		{"many experts", []string{"num_local_experts", "160", "num_experts_per_tok", "6"},
			func(c model.Config) bool { return c.Experts == 160 && c.TopK == 6 }},
		{"kv null", []string{"num_key_value_heads", "null"}, func(c model.Config) bool { return c.KVHeads == 32 }},
		{"rope_parameters alone", []string{"rope_theta", "", "rope_parameters", `{"rope_theta":5e5,"rope_type":"default"}`},
			func(c model.Config) bool { return c.RopeTheta == 5e5 }},
		{"rope_parameters and rope_theta agree", []string{"rope_parameters", `{"rope_theta":1000000}`},
			func(c model.Config) bool { return c.RopeTheta == 1e6 }},
		{"rope_scaling null", []string{"rope_scaling", "null"}, func(c model.Config) bool { return c.RopeTheta == 1e6 }},
		{"attention_bias false", []string{"attention_bias", "false"}, func(c model.Config) bool { return c.Layers == 32 }},
		{"eos list", []string{"eos_token_id", "[2, 7]"}, func(c model.Config) bool { return slices.Equal(c.EOS, []int{2, 7}) }},
		{"eos null", []string{"eos_token_id", "null"}, func(c model.Config) bool { return c.EOS == nil }},
		{"bos null", []string{"bos_token_id", "null"}, func(c model.Config) bool { return c.BOS == -1 }},
		{"dtype, the newer key", []string{"torch_dtype", "", "dtype", `"float16"`}, func(c model.Config) bool { return c.DType == tensor.F16 }},
		{"torch. prefix", []string{"torch_dtype", `"torch.float32"`}, func(c model.Config) bool { return c.DType == tensor.F32 }},
		{"no dtype", []string{"torch_dtype", ""}, func(c model.Config) bool { return c.DType == tensor.Invalid }},
	}
	for _, tt := range tests {
		c, _, err := ParseConfig(mixtral(t, tt.edits...))
		if err != nil || !tt.check(c) {
			t.Errorf("%s: %+v, error %v", tt.name, c, err)
		}
	}
}

func TestParseConfigRefuses(t *testing.T) {
	tests := []struct {
		key, value, fault string
	}{
		{"hidden_act", `"gelu"`, `hidden_act: found "gelu", expected "silu"`},
		{"attention_bias", "true", "attention_bias: found true, expected false"},
		{"rope_scaling", `{"type":"linear","factor":2}`, "rope_scaling: scaled rotary embedding"},
		{"rope_parameters", `{"rope_type":"yarn","rope_theta":1e6}`, `rope_parameters: rope_type: found "yarn"`},
		{"rope_parameters", `{"rope_theta":1e6,"attention_factor":2}`, "rope_parameters: attention_factor: unknown key"},
		{"rope_parameters", `{"rope_theta":1e4}`, "rope_theta: stated twice"},
		{"quantization_config", `{"bits":4}`, "quantization_config: unknown key"},
		{"logit_softcapping", "30", "logit_softcapping: unknown key"},
		{"logit_softcapping", "null", "logit_softcapping: unknown key"},
		{"model_type", `"llama"`, `model_type: found "llama", expected "mixtral"`},
		{"architectures", `["LlamaForCausalLM"]`, "architectures: found"},
		{"hidden_size", "", "hidden_size: missing"},
		{"hidden_size", "null", "hidden_size: found null, expected an integer"},
		{"hidden_size", `"4096"`, "hidden_size: found"},
		{"hidden_size", "4096.5", "hidden_size: found 4096.5, expected an integer"},
		{"hidden_size", "99999999999999999999", "hidden_size: found 99999999999999999999"},
		{"hidden_size", "4611686018427387904", "hidden is 4611686018427387904, expected 1 to"},
		{"vocab_size", "-1", "vocab is -1"},
		{"num_hidden_layers", "0", "layers is 0"},
		{"num_attention_heads", "0", "heads is 0"},
		{"num_attention_heads", "33", "head_dim: missing, and hidden_size 4096 is no multiple of num_attention_heads 33"},
		{"num_key_value_heads", "5", "kv heads 5 do not divide heads 32"},
		{"num_key_value_heads", "0", "kv heads is 0"},
		{"head_dim", "127", "head dim 127 is odd"},
		{"head_dim", "4194304", "are wider than"},
		{"num_local_experts", "16384", "32 layers of 16384 experts"},
		{"num_experts_per_tok", "9", "top k 9 is above experts 8"},
		{"rope_theta", "0", "rope theta is 0"},
		{"rope_theta", "-1e6", "rope theta is -1e+06"},
		{"rope_theta", "1e999", "rope_theta: found 1e999"},
		{"rope_theta", "", "rope_theta: missing"},
		{"rms_norm_eps", "-1e-5", "norm eps is -1e-05"},
		{"rms_norm_eps", `"NaN"`, `rms_norm_eps: found "NaN", expected a number`},
		{"sliding_window", "0", "sliding_window: found 0"},
		{"sliding_window", "-5", "sliding_window: found -5"},
		{"torch_dtype", `"int8"`, `torch_dtype: found "int8", expected float32, float16 or bfloat16`},
		{"dtype", `"float32"`, "the other of torch_dtype and dtype says"},
		{"eos_token_id", "32000", "eos token 32000 is outside the vocabulary of 32000"},
		{"eos_token_id", "[2,null]", "eos_token_id: found null"},
		{"eos_token_id", `"</s>"`, "eos_token_id: found"},
		{"bos_token_id", "-1", "bos_token_id: found -1"},
		{"tie_word_embeddings", `"no"`, "tie_word_embeddings: found"},
		{"max_position_embeddings", "0", "max context is 0"},
	}
	for _, tt := range tests {
		c, _, err := ParseConfig(mixtral(t, tt.key, tt.value))
		if err == nil || !strings.Contains(err.Error(), tt.fault) {
			t.Errorf("%s %s: got %+v, error %v, want %q", tt.key, tt.value, c, err, tt.fault)
		}
	}
}

func TestParseConfigReportsAllFaults(t *testing.T) {
	_, _, err := ParseConfig(mixtral(t, "hidden_act", `"gelu"`, "attention_bias", "true", "vocab_size", "", "mystery", "1"))
	for _, key := range []string{"hidden_act", "attention_bias", "vocab_size", "mystery"} {
		if err == nil || !strings.Contains(err.Error(), key+": ") {
			t.Errorf("error does not name %s: %v", key, err)
		}
	}
	err = model.Config{Heads: 3, KVHeads: 2, HeadDim: 1, RopeTheta: math.NaN(), NormEps: math.Inf(1), DType: 9}.Validate()
	for _, part := range []string{"layers", "kv heads 2", "odd", "rope theta is NaN", "norm eps is +Inf", "dtype 9"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("error does not say %q: %v", part, err)
		}
	}
}

func TestParseConfigRefusesWhatIsNotAnObject(t *testing.T) {
	for _, in := range []string{"", "null", "[]", "{", `{"vocab_size":1,"vocab_size":2}`, `{} {}`} {
		if _, _, err := ParseConfig([]byte(in)); err == nil || !strings.HasPrefix(err.Error(), "config: ") {
			t.Errorf("%q: error %v", in, err)
		}
	}
}

func FuzzParseConfig(f *testing.F) {
	f.Add(mixtral(f))
	f.Add(mixtral(f, "rope_theta", "", "rope_parameters", `{"rope_theta":1e4,"rope_type":"default"}`))
	f.Add([]byte(`{"hidden_size":1e400}`))
	f.Add([]byte(`{"eos_token_id":[[]]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, ignored, err := ParseConfig(data)
		if err != nil {
			return
		}
		if err := c.Validate(); err != nil {
			t.Errorf("accepted, but invalid: %v", err)
		}
		keys := map[string]json.RawMessage{}
		if err := json.Unmarshal(data, &keys); err != nil {
			t.Errorf("accepted what is not JSON: %v", err)
		}
		for _, k := range ignored {
			if _, ok := keys[k]; !ok {
				t.Errorf("ignored %q is none of %v", k, slices.Collect(maps.Keys(keys)))
			}
		}
	})
}
