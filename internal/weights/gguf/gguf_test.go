package gguf

import (
	"bytes"
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/internal/compute/kernel"
	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/model/arch"
	"github.com/hachi-serve/hachi/internal/text/tokenizer"
	"github.com/hachi-serve/hachi/internal/weights/checkpoint"
	"github.com/hachi-serve/hachi/internal/weights/quantize"
)

// The two containers in testdata were made from the same weights by an
// independent program.
const (
	ggufFile = "testdata/model.gguf"
	hfDir    = "testdata/model"
)

func openFile(t *testing.T, path string) *File {
	t.Helper()
	f, err := Open(path, Options{Kernels: kernel.Best(), Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func TestTensorsEqualThoseOfTheOtherContainer(t *testing.T) {
	c, err := checkpoint.Open(hfDir)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	f := openFile(t, ggufFile)
	got, want := f.Config(), c.Config()
	got.DType, got.NormEps = want.DType, want.NormEps // the first is per tensor here, the second f32
	if !reflect.DeepEqual(got, want) || math.Abs(f.Config().NormEps-want.NormEps) > 1e-12 {
		t.Errorf("config %+v, want %+v", f.Config(), want)
	}
	for _, s := range checkpoint.Layout(c.Config()) {
		a, release, err := f.Tensor(s)
		if err != nil {
			t.Fatal(err)
		}
		b, err := c.MapTensor(s)
		if err != nil {
			t.Fatal(err)
		}
		x, y := make([]float32, s.Elements()), make([]float32, s.Elements())
		tensor.Decode(x, a.Data, a.DType)
		tensor.Decode(y, b.Weight.Data, b.Weight.DType)
		for i := range y {
			if x[i] != y[i] {
				t.Fatalf("%s: element %d is %g, want %g", s.Name, i, x[i], y[i])
			}
		}
		_, _ = release(), b.Close()
	}
}

// TestBlocksEqualAnIndependentDequantization compares bits.
func TestBlocksEqualAnIndependentDequantization(t *testing.T) {
	for _, k := range []kind{kindQ80, kindQ40, kindQ41, kindQ50, kindQ51, kindQ4K, kindQ5K, kindQ6K, kindMXFP4} {
		raw, want := golden(t, k)
		const n, cols = 3, 512
		r := rows{raw: raw, n: n, cols: cols, size: len(raw) / n}
		got := make([]float32, n*cols)
		tensor.Decode(got, r.widen(k, tensor.F32), tensor.F32)
		same(t, k.String(), got, want)
		switch k {
		case kindQ80:
			same(t, "repacked Q8_0", unpack(r.repack(tensor.Int8, repackQ80), tensor.Int8, n, cols), want)
		case kindQ40:
			same(t, "repacked Q4_0", unpack(r.repack(tensor.Int4, repackQ40), tensor.Int4, n, cols), want)
		case kindQ4K:
			same(t, "repacked Q4_K", unpack(r.repack(tensor.Int4Affine, repackQ4K), tensor.Int4Affine, n, cols), want)
		case kindQ50:
			same(t, "repacked Q5_0", unpack(r.repack(tensor.Int8, repackQ50), tensor.Int8, n, cols), want)
		case kindMXFP4:
			same(t, "repacked MXFP4", dequantized(r.repack(tensor.MXFP4, repackMXFP4), tensor.MXFP4, n, cols), want)
		case kindQ41, kindQ51, kindQ5K, kindQ6K:
			moved(t, r, k, want)
		}
	}
}

// dequantized reads blocks by the definition of their format.
func dequantized(data []byte, d tensor.DType, rows, cols int) []float32 {
	out := make([]float32, rows*cols)
	for o := range rows {
		tensor.Dequantize(out[o*cols:][:cols], tensor.Weight{DType: d, Rows: rows, Cols: cols, Data: data}, o)
	}
	return out
}

func golden(t *testing.T, k kind) (raw []byte, want []float32) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", k.String()+".raw"))
	if err != nil {
		t.Fatal(err)
	}
	values, err := os.ReadFile(filepath.Join("testdata", k.String()+".f32"))
	if err != nil {
		t.Fatal(err)
	}
	want = make([]float32, len(values)/4)
	tensor.Decode(want, values, tensor.F32)
	return raw, want
}

// moved checks the bound of the package comment for types that become Int8.
func moved(t *testing.T, r rows, k kind, want []float32) {
	t.Helper()
	wide := tensor.Weight{DType: tensor.F32, Rows: r.n, Cols: r.cols, Data: r.widen(k, tensor.F32)}
	w, err := quantize.Weight(t.Context(), kernel.Best(), 1, wide, tensor.Int8)
	if err != nil {
		t.Fatal(err)
	}
	got := unpack(w.Data, tensor.Int8, r.n, r.cols)
	for g := 0; g < len(want); g += 32 {
		var most, off float32
		for j := g; j < g+32; j++ {
			most, off = max(most, want[j], -want[j]), max(off, got[j]-want[j], want[j]-got[j])
		}
		if off > most*0.51/127 {
			t.Errorf("%v, elements %d to %d: off by %g, largest %g", k, g, g+31, off, most)
		}
	}
}

// unpack reads blocks by the words of package tensor.
func unpack(data []byte, d tensor.DType, rows, cols int) []float32 {
	out := make([]float32, rows*cols)
	_, blocks := d.Blocks(rows, cols)
	wide := 32 * d.BlockGroups()
	for o := range rows {
		for j := range cols {
			b := data[(o/16*blocks+j/wide)*d.BlockBytes():][:d.BlockBytes()]
			r, at, in := o%16, j%32, j%16
			if d == tensor.Int8 {
				out[o*cols+j] = half(b[512+2*r:]) * float32(int(b[at/4*64+4*r+at%4])-128)
				continue
			}
			group := b[j%wide/32*288:]
			q := float32(group[in/4*64+4*r+in%4] >> (at / 16 * 4) & 15)
			if d == tensor.Int4 {
				out[o*cols+j] = half(b[256+2*r:]) * (q - 8)
				continue
			}
			scale, least := half(b[1152+2*r:])*float32(group[256+r]), half(b[1184+2*r:])*float32(group[272+r])
			out[o*cols+j] = float32(scale*q) - least
		}
	}
	return out
}

func same(t *testing.T, what string, got, want []float32) {
	t.Helper()
	for i := range want {
		if math.Float32bits(got[i]) != math.Float32bits(want[i]) && !(got[i] == 0 && want[i] == 0) {
			t.Fatalf("%s: element %d is %g, want %g", what, i, got[i], want[i])
		}
	}
}

func TestImportedDirectoryOpens(t *testing.T) {
	f := openFile(t, ggufFile)
	side, err := f.WriteSideFiles(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "out")
	err = quantize.Directory(t.Context(), dir, f, side, quantize.Options{To: tensor.Int8, Kernels: kernel.Best(), Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	c, err := checkpoint.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if c.Config().DType != tensor.Int8 {
		t.Errorf("weights are %v", c.Config().DType)
	}
	got, err := tokenizer.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	want, err := tokenizer.Load(hfDir)
	if err != nil {
		t.Fatal(err)
	}
	if got.Vocab() != want.Vocab() {
		t.Errorf("vocabulary of %d, want %d", got.Vocab(), want.Vocab())
	}
}

// edit changes bytes of the file where a text stands.
func edit(t *testing.T, old, replacement string) error {
	t.Helper()
	raw, err := os.ReadFile(ggufFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(raw, []byte(old)) || len(old) != len(replacement) {
		t.Fatalf("the file has no %q", old)
	}
	path := filepath.Join(t.TempDir(), "edited.gguf")
	if err := os.WriteFile(path, bytes.Replace(raw, []byte(old), []byte(replacement), 1), 0o644); err != nil {
		t.Fatal(err)
	}
	f, err := Open(path, Options{Kernels: kernel.Best(), Threads: 1})
	if err == nil {
		f.Close()
	}
	return err
}

func TestWrongFilesAreRefused(t *testing.T) {
	u32 := func(v uint32) string { return string(binary.LittleEndian.AppendUint32(nil, v)) }
	for _, c := range []struct{ old, replacement, says string }{
		{"GGUF", "GGUG", "not a GGUF file"},
		{"GGUF\x03", "GGUF\x09", "version 9"},
		{"\x05\x00\x00\x00\x00\x00\x00\x00llama", "\x05\x00\x00\x00\x00\x00\x00\x00phi33", "general.architecture"},
		{"llama.block_count" + u32(4) + u32(2), "llama.block_count" + u32(4) + u32(3), "blk.2."},
		{"llama.expert_count" + u32(4) + u32(4), "llama.expert_count" + u32(4) + u32(5), "ffn_gate"},
		{"llama.block_count", "llama.block_caunt", "llama.block_count: missing"},
		{"blk.1.attn_q.weight", "blk.1.attn_x.weight", "attn_q.weight: missing"},
		{"llama.attention.head_count_kv" + u32(4) + u32(2), "llama.attention.head_count_kv" + u32(4) + u32(1), "attn_k"},
		{"llama.rope.dimension_count" + u32(4) + u32(8), "llama.rope.dimension_count" + u32(4) + u32(4), "head dim"},
		{"blk.0.attn_q.weight" + u32(2), "blk.0.attn_q.weight" + u32(9), "dimensions"},
	} {
		if err := edit(t, c.old, c.replacement); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%q: error %v, want one that says %q", c.replacement, err, c.says)
		}
	}
}

func TestTypesThatAreNotReadAreNamed(t *testing.T) {
	for number, name := range map[kind]string{9: "Q8_1", 10: "Q2_K", 11: "Q3_K", 15: "Q8_K", 16: "IQ2_XXS", 20: "IQ4_NL", 23: "IQ4_XS", 24: "I8", 29: "IQ1_M", 34: "TQ1_0", 99: "type 99"} {
		_, err := openEdited(t, func(h *header) {
			x := h.tensors["blk.0.attn_q.weight"]
			x.kind = number
			h.tensors["blk.0.attn_q.weight"] = x
		})
		if err == nil || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), `"blk.0.attn_q.weight" is `+name+": hachi reads F32, F16, Q4_0, Q4_1") {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

// TestQuantizedTensorsOfEveryType opens files whose matrices have a type, the
// embedding, the gate and the head included.
func TestQuantizedTensorsOfEveryType(t *testing.T) {
	for k, want := range map[kind]tensor.DType{
		kindQ40: tensor.Int4, kindQ41: tensor.Int8, kindQ50: tensor.Int8, kindQ51: tensor.Int8, kindQ80: tensor.Int8, kindMXFP4: tensor.MXFP4,
	} {
		f, err := openEdited(t, func(h *header) {
			for name, x := range h.tensors {
				if len(x.dims) > 1 {
					h.set(name, k, x.dims...)
				}
			}
		})
		if err != nil {
			t.Errorf("%v: %v", k, err)
			continue
		}
		for _, s := range checkpoint.Layout(f.Config()) {
			w, _, err := f.Tensor(s)
			if err != nil || len(w.Data) != w.DType.Bytes(s.Rows, s.Cols) {
				t.Fatalf("%v: %s: %d bytes of %v, error %v", k, s.Name, len(w.Data), w.DType, err)
			}
			expected := map[bool]tensor.DType{true: want, false: tensor.BF16}[s.Quantizable()]
			if !s.Vector && w.DType != expected {
				t.Errorf("%v: %s is %v, want %v", k, s.Name, w.DType, expected)
			}
		}
	}
}

func TestBlocksThatAreNaNAreRefused(t *testing.T) {
	f, err := openEdited(t, func(h *header) {
		h.set("blk.0.attn_q.weight", kindMXFP4, 32, 32)
		h.tensors["blk.0.attn_q.weight"].data[17] = 255
	})
	if err != nil {
		t.Fatal(err)
	}
	layout := checkpoint.Layout(f.Config())
	q := layout[slices.IndexFunc(layout, func(s checkpoint.Spec) bool { return s.Role == arch.Q })]
	if _, _, err := f.Tensor(q); err == nil || !strings.Contains(err.Error(), "tensor blk.0.attn_q.weight: a block of MXFP4 has the scale 255") {
		t.Errorf("error %v", err)
	}
}

func TestEveryTruncationIsRefused(t *testing.T) {
	raw, err := os.ReadFile(ggufFile)
	if err != nil {
		t.Fatal(err)
	}
	for n := 0; n < len(raw); n += 1 + n/50 {
		if _, err := parse(raw[:n]); err == nil {
			t.Fatalf("%d of %d bytes were accepted", n, len(raw))
		}
	}
}

func FuzzParse(f *testing.F) {
	raw, err := os.ReadFile(ggufFile)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw[:4096])
	f.Add([]byte("GGUF\x03\x00\x00\x00"))
	f.Add(append([]byte("GGUF\x03\x00\x00\x00"), bytes.Repeat([]byte{0xff}, 64)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := parse(b)
		if err != nil {
			return
		}
		for name, x := range h.tensors {
			if x.bytes <= 0 || int64(len(x.data)) != x.bytes {
				t.Errorf("tensor %q lies outside: %+v", name, x)
			}
		}
		_, _ = h.config(nil)
	})
}
