package quantize

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/hachi-serve/hachi/internal/compute/kernel"
	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/internal/weights/checkpoint"
	"github.com/hachi-serve/hachi/internal/weights/preset"
	"github.com/hachi-serve/hachi/moe"
)

var shape = model.Config{
	Layers: 2, Hidden: 40, FFN: 72, Heads: 4, KVHeads: 2, HeadDim: 10, Vocab: 64, Experts: 4, TopK: 2,
	RopeTheta: 1e4, NormEps: 1e-5, MaxContext: 128, DType: tensor.BF16, BOS: 1, EOS: []int{2},
}

func source(t *testing.T) *checkpoint.Checkpoint {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "source")
	if err := preset.WriteModel(t.Context(), dir, preset.Options{Config: shape, Seed: 3}); err != nil {
		t.Fatal(err)
	}
	return open(t, dir)
}

func open(t *testing.T, dir string) *checkpoint.Checkpoint {
	t.Helper()
	c, err := checkpoint.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func quantized(t *testing.T, src *checkpoint.Checkpoint, o Options) string {
	t.Helper()
	dst := filepath.Join(t.TempDir(), "out")
	side, err := SideFiles(src.Dir())
	if err != nil {
		t.Fatal(err)
	}
	if err := Directory(t.Context(), dst, Checkpoint{src}, side, o); err != nil {
		t.Fatal(err)
	}
	return dst
}

func TestDirectoryOpensWithTheWeightsOfItsSource(t *testing.T) {
	for _, to := range []tensor.DType{tensor.Int8, tensor.Int4} {
		for _, dense := range []bool{false, true} {
			src := source(t)
			c := open(t, quantized(t, src, Options{To: to, Dense: dense, Kernels: kernel.Best(), Threads: 2}))
			if c.Config().DType != to {
				t.Errorf("weights are %v, want %v", c.Config().DType, to)
			}
			id := moe.ExpertID{Layer: 1, Expert: 2}
			got, err := c.MapExpert(id)
			if err != nil {
				t.Fatal(err)
			}
			defer got.Close()
			want, err := src.MapExpert(id)
			if err != nil {
				t.Fatal(err)
			}
			defer want.Close()
			near(t, got.Weights.W2, want.Weights.W2)
			d, err := c.MapDense()
			if err != nil {
				t.Fatal(err)
			}
			defer d.Close()
			l := d.Weights.Layers[0]
			if l.Q.DType.Quantized() != dense || d.Weights.Head.DType.Quantized() != dense || l.Gate.DType.Quantized() || d.Weights.Embed.DType.Quantized() {
				t.Errorf("dense %v: q %v, head %v, gate %v, embedding %v", dense, l.Q.DType, d.Weights.Head.DType, l.Gate.DType, d.Weights.Embed.DType)
			}
		}
	}
}

// near compares products with both matrices.
func near(t *testing.T, got, want tensor.Weight) {
	t.Helper()
	k, s := kernel.Best(), kernel.NewScratch()
	x, a, b := tensor.NewMatrix(1, want.Cols), tensor.NewMatrix(1, want.Rows), tensor.NewMatrix(1, want.Rows)
	for i := range x.Data {
		x.Data[i] = float32(i%7) - 3
	}
	k.MatMul(s, a, x, got, 0, got.Rows)
	k.MatMul(s, b, x, want, 0, want.Rows)
	var diff, size float64
	for i, v := range b.Data {
		diff += math.Pow(float64(v-a.Data[i]), 2)
		size += float64(v) * float64(v)
	}
	limit := map[tensor.DType]float64{tensor.Int8: 0.01, tensor.Int4: 0.12}[got.DType]
	if r := math.Sqrt(diff / size); r > limit {
		t.Errorf("%v: relative error %.3g, want at most %.3g", got.DType, r, limit)
	}
}

func TestSameBytesWhateverComputes(t *testing.T) {
	src := source(t)
	var want []byte
	for i, k := range append([]*kernel.Kernels{kernel.Go()}, kernel.Available()...) {
		raw, err := os.ReadFile(filepath.Join(quantized(t, src, Options{To: tensor.Int4, Kernels: k, Threads: i + 1}), "model.safetensors"))
		if err != nil {
			t.Fatal(err)
		}
		if want == nil {
			want = raw
		}
		if !bytes.Equal(raw, want) {
			t.Errorf("%s with %d threads writes other bytes", k.Name(), i+1)
		}
	}
}

func TestNothingIsLeftOfAFailure(t *testing.T) {
	src := source(t)
	dir := t.TempDir()
	taken := filepath.Join(dir, "taken")
	if err := os.Mkdir(taken, 0o755); err != nil {
		t.Fatal(err)
	}
	o := Options{To: tensor.Int8, Kernels: kernel.Best(), Threads: 1}
	if err := Directory(t.Context(), taken, Checkpoint{src}, nil, o); err == nil {
		t.Error("an existing directory was overwritten")
	}
	if err := Directory(t.Context(), filepath.Join(dir, "new"), Checkpoint{src}, []string{filepath.Join(dir, "missing")}, o); err == nil {
		t.Error("a missing side file was no error")
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}
