package awq

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/internal/compute/kernel"
	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/weights/checkpoint"
	"github.com/hachi-serve/hachi/internal/weights/quantize"
)

const dir = "testdata/group64"

// formats says what groups of each size become.
var formats = map[string]tensor.DType{dir: tensor.Int8, "testdata/group128": tensor.Int4Affine}

func openModel(t *testing.T, dir string) *Model {
	t.Helper()
	m, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

// value reads one weight by the words of package tensor.
func value(w tensor.Weight, o, j int) float32 {
	_, blocks := w.DType.Blocks(w.Rows, w.Cols)
	wide := 32 * w.DType.BlockGroups()
	b := w.Data[(o/16*blocks+j/wide)*w.DType.BlockBytes():]
	r := o % 16
	half := func(at int) float32 { return tensor.FromF16(uint16(b[at]) | uint16(b[at+1])<<8) }
	if w.DType == tensor.Int8 {
		return half(512+2*r) * float32(int(b[j%32/4*64+4*r+j%4])-128)
	}
	group, in := b[j%wide/32*288:], j%16
	q := group[in/4*64+4*r+in%4] >> (j % 32 / 16 * 4) & 15
	return half(1152+2*r)*float32(group[256+r])*float32(q) - half(1184+2*r)*float32(group[272+r])
}

func TestMatricesEqualTheirIntegers(t *testing.T) {
	for dir, format := range formats {
		raw, err := os.ReadFile(filepath.Join(dir, "weights.f32"))
		if err != nil {
			t.Fatal(err)
		}
		want := make([]float32, len(raw)/4)
		tensor.Decode(want, raw, tensor.F32)
		m := openModel(t, dir)
		for _, name := range []string{"model.layers.0.block_sparse_moe.experts.1.w1.weight", "model.layers.0.self_attn.q_proj.weight"} {
			want = want[compare(t, m, name, format, want):]
		}
		if len(want) != 0 {
			t.Errorf("%s: %d values were not compared", dir, len(want))
		}
	}
}

// compare returns how many values the tensor has.
func compare(t *testing.T, m *Model, name string, format tensor.DType, want []float32) int {
	t.Helper()
	layout := checkpoint.Layout(m.Config())
	s := layout[slices.IndexFunc(layout, func(s checkpoint.Spec) bool { return s.Name == name })]
	w, release, err := m.Tensor(s)
	if err != nil {
		t.Fatal(err)
	}
	if w.DType != format {
		t.Errorf("%s is %v, want %v", name, w.DType, format)
	}
	for o := range s.Rows {
		for j := range s.Cols {
			if got := value(w, o, j); got != want[o*s.Cols+j] {
				t.Fatalf("%s: output %d, input %d is %g, want %g", name, o, j, got, want[o*s.Cols+j])
			}
		}
	}
	if err := release(); err != nil {
		t.Fatal(err)
	}
	return s.Rows * s.Cols
}

func TestImportedDirectoryOpens(t *testing.T) {
	for dir, format := range formats {
		m := openModel(t, dir)
		config, err := m.WriteConfig(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		out := filepath.Join(t.TempDir(), "out")
		if err := quantize.Directory(t.Context(), out, m, []string{config}, quantize.Options{Kernels: kernel.Best(), Threads: 1}); err != nil {
			t.Fatal(err)
		}
		c, err := checkpoint.Open(out)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if c.Config().DType != format {
			t.Errorf("weights are %v, want %v", c.Config().DType, format)
		}
	}
}

func TestWrongCheckpointsAreRefused(t *testing.T) {
	for _, c := range []struct{ file, old, replacement, says string }{
		{"config.json", `"bits": 4`, `"bits": 8`, "bits: found 8"},
		{"config.json", `"version": "gemm"`, `"version": "gemv"`, "version"},
		{"config.json", `"quant_method": "awq"`, `"quant_method": "gptq"`, "quant_method"},
		{"config.json", `"group_size": 64`, `"group_size": 48`, "group_size"},
		{"config.json", `"zero_point": true`, `"zero_point": false`, "zero_point"},
		{"config.json", `"zero_point": true`, `"zero_paint": true`, "zero_paint: unknown key"},
		{"config.json", `"quantization_config"`, `"_name_or_path"`, "no AWQ checkpoint"},
		{"config.json", `"group_size": 64`, `"group_size": 32`, "wrong shape"},
		{"model.safetensors", `experts.1.w1.qzeros`, `experts.1.w1.qzeras`, "missing"},
		{"model.safetensors", `experts.2.w3.qweight": {"dtype": "I32"`, `experts.2.w3.qweight": {"dtype": "F32"`, "wrong dtype"},
		{"model.safetensors", `self_attn.k_proj.qweight`, `self_attn.k_prof.qweight`, "k_proj.weight"},
	} {
		broken := t.TempDir()
		for _, name := range []string{"config.json", "model.safetensors"} {
			data, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			if name == c.file {
				if !bytes.Contains(data, []byte(c.old)) {
					t.Fatalf("%s has no %q", name, c.old)
				}
				data = bytes.Replace(data, []byte(c.old), []byte(c.replacement), 1)
			}
			if err := os.WriteFile(filepath.Join(broken, name), data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		m, err := Open(broken)
		if err == nil {
			m.Close()
		}
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: error %v, want one that says %q", c.replacement, err, c.says)
		}
	}
}

func FuzzQuantizationConfig(f *testing.F) {
	raw, err := os.ReadFile(filepath.Join(dir, "config.json"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Add([]byte(`{"quantization_config": {"bits": null}}`))
	f.Add([]byte(`{"zero_point": true, "q_group_size": 64, "w_bit": 4, "version": "GEMM"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, _, group, err := parseConfig(data)
		if err == nil && (group < 0 || group%tensor.GroupCols != 0 || c.Validate() != nil) {
			t.Errorf("group %d, config %+v", group, c)
		}
		if group, err := parseQuantization(data, false); err == nil && (group < tensor.GroupCols || group%tensor.GroupCols != 0) {
			t.Errorf("quant_config.json with groups of %d", group)
		}
	})
}
