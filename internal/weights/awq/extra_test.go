package awq

import (
	"encoding/binary"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// variant is a copy of a checkpoint whose files were edited; a file that becomes
// nil is left out.
func variant(t *testing.T, edit map[string]func([]byte) []byte) string {
	t.Helper()
	out := t.TempDir()
	for name, change := range edit {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		if data = change(data); data == nil {
			continue
		}
		if err := os.WriteFile(filepath.Join(out, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func kept(data []byte) []byte { return data }

// withTensor adds a tensor of 64 zeros to a safetensors file.
func withTensor(t *testing.T, file []byte, name string) []byte {
	t.Helper()
	n := binary.LittleEndian.Uint64(file)
	header, data := map[string]any{}, file[8+n:]
	if err := json.Unmarshal(file[8:8+n], &header); err != nil {
		t.Fatal(err)
	}
	header[name] = map[string]any{"dtype": "F16", "shape": []int{64}, "data_offsets": []int{len(data), len(data) + 128}}
	b, err := json.Marshal(header)
	if err != nil {
		t.Fatal(err)
	}
	out := append(binary.LittleEndian.AppendUint64(nil, uint64(len(b))), b...)
	return append(append(out, data...), make([]byte, 128)...)
}

func TestTensorsThatTheModelDoesNotHaveAreNamed(t *testing.T) {
	const layer = "model.layers.0."
	for _, name := range []string{
		layer + "self_attn.q_proj.bias", layer + "self_attn.k_proj.bias", layer + "self_attn.v_proj.bias", layer + "self_attn.o_proj.bias",
		layer + "self_attn.q_proj.weight", layer + "self_attn.q_proj.g_idx", layer + "self_attn.q_norm.weight", layer + "input_layernorm.bias",
		layer + "block_sparse_moe.gate.bias", layer + "block_sparse_moe.gate.e_score_correction_bias", layer + "block_sparse_moe.experts.0.w1.bias",
		layer + "block_sparse_moe.experts.0.w1.weight", layer + "block_sparse_moe.experts.9.w1.qweight", layer + "block_sparse_moe.shared_expert.w1.qweight",
		layer + "self_attn.q_proj.pre_quant_scale", "model.layers.1.input_layernorm.weight", "model.norm.bias", "lm_head.bias", "vision_tower.weight",
	} {
		m, err := Open(variant(t, map[string]func([]byte) []byte{
			"config.json": kept, "model.safetensors": func(b []byte) []byte { return withTensor(t, b, name) },
		}))
		if err == nil {
			m.Close()
		}
		if err == nil || !strings.Contains(err.Error(), "tensor "+name+": unexpected tensor") {
			t.Errorf("%s: error %v, want one that names the tensor", name, err)
		}
	}
}

func TestRotaryTableIsAccepted(t *testing.T) {
	m, err := Open(variant(t, map[string]func([]byte) []byte{
		"config.json": kept, "model.safetensors": func(b []byte) []byte { return withTensor(t, b, "model.layers.0.self_attn.rotary_emb.inv_freq") },
	}))
	if err != nil {
		t.Fatal(err)
	}
	m.Close()
}

// TestConfigurationOf2023 reads quant_config.json, with the keys of its time.
func TestConfigurationOf2023(t *testing.T) {
	const older = `{"zero_point": true, "q_group_size": 64, "w_bit": 4, "version": "GEMM"}`
	without := func(b []byte) []byte {
		var c map[string]json.RawMessage
		if err := json.Unmarshal(b, &c); err != nil {
			t.Fatal(err)
		}
		delete(c, "quantization_config")
		b, _ = json.Marshal(c)
		return b
	}
	replaced := func(value string) func([]byte) []byte {
		return func(b []byte) []byte {
			var c map[string]json.RawMessage
			if err := json.Unmarshal(b, &c); err != nil {
				t.Fatal(err)
			}
			c["quantization_config"] = json.RawMessage(value)
			b, _ = json.Marshal(c)
			return b
		}
	}
	for _, tt := range []struct {
		name   string
		config func([]byte) []byte
		beside string
		says   string // "" opens
	}{
		{"only the older file", without, older, ""},
		{"the newer keys in the older file", without, `{"zero_point": true, "group_size": 64, "bits": 4, "version": "gemm", "quant_method": "awq", "modules_to_not_convert": null}`, ""},
		{"the older keys in config.json", replaced(`{"quant_method": "awq", "zero_point": true, "q_group_size": 64, "w_bit": 4, "version": "GEMM"}`), "", ""},
		{"both", kept, older, ""},
		{"neither", without, "", "no AWQ checkpoint"},
		{"both, which disagree", kept, strings.Replace(older, "64", "128", 1), "group size 64, but quant_config.json has 128"},
		{"the older keys without a method", replaced(older), "", "quant_method: missing"},
		{"three bits", without, strings.Replace(older, `"w_bit": 4`, `"w_bit": 3`, 1), "w_bit: found 3, expected 4"},
		{"no bits", without, `{"q_group_size": 64}`, "bits: missing"},
		{"another layout", without, strings.Replace(older, "GEMM", "GEMV", 1), "version: found"},
		{"no zeros", without, strings.Replace(older, "true", "false", 1), "zero_point: found false"},
		{"whole rows", without, strings.Replace(older, "64", "-1", 1), "q_group_size: found -1"},
		{"a key under both names", without, `{"bits": 4, "w_bit": 4, "q_group_size": 64}`, "stands twice"},
		{"a key that is not known", without, `{"w_bit": 4, "q_group_size": 64, "act_order": true}`, "act_order: unknown key"},
		{"no JSON", without, `q_group_size`, "quant_config.json"},
	} {
		edits := map[string]func([]byte) []byte{"config.json": tt.config, "model.safetensors": kept}
		if tt.beside != "" {
			edits[QuantizationFile] = func([]byte) []byte { return []byte(tt.beside) }
		}
		m, err := Open(variant(t, edits))
		switch {
		case tt.says == "" && err != nil:
			t.Errorf("%s: %v", tt.name, err)
		case tt.says != "" && (err == nil || !strings.Contains(err.Error(), tt.says)):
			t.Errorf("%s: error %v, want one that says %q", tt.name, err, tt.says)
		}
		if err == nil {
			m.Close()
		}
	}
}
