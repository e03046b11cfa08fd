package checkpoint_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/weights/preset"
)

// Every tensor of this model is smaller than a sampled page or changed in all
// of its pages, so one changed tensor must change the digest.
func TestDigestCoversEveryTensor(t *testing.T) {
	dir := write(t, preset.Options{Config: shape, Seed: 1})
	path := filepath.Join(dir, "model.safetensors")
	first := open(t, dir).Digest()
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name := range takeApart(t, path).tensors {
		p := takeApart(t, path)
		x := p.tensors[name]
		for i := x.Offsets[0]; i < x.Offsets[1]; i += 4096 {
			p.data[i] ^= 1
		}
		save(t, path, p.file(t))
		if got := open(t, dir).Digest(); got == first {
			t.Errorf("digest does not change with %s", name)
		}
		save(t, path, good)
	}
	if got := open(t, dir).Digest(); got != first || len(got) != 64 || strings.Trim(got, "0123456789abcdef") != "" {
		t.Errorf("digest %q, want the first one, %q", got, first)
	}
}

func TestDigestIsAboutMeaning(t *testing.T) {
	dir := write(t, preset.Options{Config: shape, Seed: 1})
	first := open(t, dir).Digest()
	if got := open(t, write(t, preset.Options{Config: shape, Seed: 1, ShardBytes: 30000})).Digest(); got != first {
		t.Error("digest changes with the shards")
	}
	editConfig(t, dir, func(m map[string]any) { m["router_aux_loss_coef"] = 0.5 })
	if got := open(t, dir).Digest(); got != first {
		t.Error("digest changes with a key that means nothing")
	}
	editConfig(t, dir, func(m map[string]any) { m["rope_theta"] = 2e4 })
	if got := open(t, dir).Digest(); got == first {
		t.Error("digest does not change with rope_theta")
	}
	if got := open(t, write(t, preset.Options{Config: shape, Seed: 2})).Digest(); got == first {
		t.Error("digest does not change with the seed")
	}
}

func TestFilesWinOverTheConfiguredDType(t *testing.T) {
	dir := write(t, preset.Options{Config: shape, Seed: 1})
	editConfig(t, dir, func(m map[string]any) { m["torch_dtype"] = "float32" })
	c := open(t, dir)
	if c.Config().DType != tensor.BF16 || len(c.Notes()) != 1 || !strings.Contains(c.Notes()[0], "says the weights are f32, the files hold bf16") {
		t.Errorf("dtype %v, notes %q", c.Config().DType, c.Notes())
	}
}

// Norms and gates may have a type of their own.
func TestMixedTypesAreKept(t *testing.T) {
	dir := write(t, preset.Options{Config: shape, Seed: 1})
	path := filepath.Join(dir, "model.safetensors")
	p := takeApart(t, path)
	p.remove(aGate)
	p.add(aGate, "F32", []int64{4, 32}, 512)
	save(t, path, p.file(t))
	c := open(t, dir)
	m, err := c.MapDense()
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if g := m.Weights.Layers[0].Gate; g.DType != tensor.F32 || !bytes.Equal(g.Data, make([]byte, 512)) {
		t.Errorf("gate is %v with %d bytes", g.DType, len(g.Data))
	}
	if c.Config().DType != tensor.BF16 {
		t.Errorf("model is %v, want bf16", c.Config().DType)
	}
}
