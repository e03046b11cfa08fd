package preset

import (
	"context"
	"fmt"
	"strings"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/model"
)

// Preset is a model shape with a name.
type Preset struct {
	Name   string
	About  string // one line
	Config model.Config
}

// All lists the presets, smallest first.
func All() []Preset {
	base := model.Config{
		Vocab: 32000, Experts: 8, TopK: 2, RopeTheta: 1e6, NormEps: 1e-5, MaxContext: 32768, BOS: 1, EOS: []int{2},
	}
	tiny, small, slice := base, base, base
	tiny.Layers, tiny.Hidden, tiny.FFN, tiny.Heads, tiny.KVHeads, tiny.HeadDim = 4, 64, 128, 8, 4, 8
	tiny.DType = tensor.F32
	small.Layers, small.Hidden, small.FFN, small.Heads, small.KVHeads, small.HeadDim = 8, 1024, 3584, 16, 4, 64
	small.DType = tensor.BF16
	slice.Layers, slice.Hidden, slice.FFN, slice.Heads, slice.KVHeads, slice.HeadDim = 2, 4096, 14336, 32, 8, 128
	slice.DType = tensor.BF16
	return []Preset{
		{"tiny", "a model for tests: 20 MB, f32, answers at once", tiny},
		{"small", "a model to measure with: 1.6 GB, bf16", small},
		{"8x7b-slice", "two layers at the true dimensions of Mixtral 8x7B: 6.3 GB, bf16", slice},
	}
}

// Names lists the presets, smallest first.
func Names() []string {
	var out []string
	for _, p := range All() {
		out = append(out, p.Name)
	}
	return out
}

// Describe finds a preset by name.
func Describe(name string) (Preset, error) {
	for _, p := range All() {
		if p.Name == name {
			return p, nil
		}
	}
	return Preset{}, fmt.Errorf("preset %q is not known, expected one of %s", name, strings.Join(Names(), ", "))
}

// ShapeNames lists what Shape finds.
func ShapeNames() []string { return append(Names(), mixtral, many) }

// Shapes of which no checkpoint can be written.
const (
	mixtral = "8x7b"
	many    = "256x32" // 256 experts in each of 32 layers, 8 of them for a token
)

// Shape is the configuration of a preset, of Mixtral 8x7B, of which there is only a slice
// to be written, or of a model with many experts.
func Shape(name string) (model.Config, error) {
	if name != mixtral && name != many {
		p, err := Describe(name)
		return p.Config, err
	}
	p, err := Describe("8x7b-slice")
	p.Config.Layers = 32
	if name == many {
		p.Config.Experts, p.Config.TopK, p.Config.FFN = 256, 8, 1536
	}
	return p.Config, err
}

// Write makes the checkpoint of a preset in dir, which must not exist or be
// empty. Equal name and seed give equal bytes. progress, which may be nil,
// gets the bytes done and in total, one call at a time.
func Write(dir, name string, seed int64, progress func(done, total int64)) error {
	p, err := Describe(name)
	if err != nil {
		return err
	}
	return WriteModel(context.Background(), dir, Options{Config: p.Config, Seed: seed, Progress: progress})
}
