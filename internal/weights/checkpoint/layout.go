package checkpoint

import (
	"regexp"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/internal/model/arch"
)

// Spec is one tensor a configuration asks for.
type Spec struct{ arch.Tensor }

// Elements is how many numbers the tensor holds.
func (s Spec) Elements() int64 { return int64(s.Rows) * int64(s.Cols) }

// Shape is the tensor's shape on disk.
func (s Spec) Shape() []int64 {
	if s.Vector {
		return []int64{int64(s.Cols)}
	}
	return []int64{int64(s.Rows), int64(s.Cols)}
}

// Layout lists every tensor of a model, in the order of computation. The
// configuration must be valid.
func Layout(c model.Config) []Spec { return specs(arch.Of(c).Tensors(c)) }

func specs(tensors []arch.Tensor) []Spec {
	out := make([]Spec, len(tensors))
	for i, t := range tensors {
		out[i] = Spec{t}
	}
	return out
}

// denseSlot is where the attention node keeps a tensor.
func denseSlot(w *model.DenseWeights, s Spec) *tensor.Weight {
	switch s.Role {
	case arch.Embed:
		return &w.Embed
	case arch.FinalNorm:
		return &w.Norm
	case arch.Head:
		return &w.Head
	}
	l := &w.Layers[s.Layer]
	return map[arch.Role]*tensor.Weight{
		arch.InputNorm: &l.InputNorm, arch.Q: &l.Q, arch.K: &l.K, arch.V: &l.V, arch.QNorm: &l.QNorm, arch.KNorm: &l.KNorm,
		arch.O: &l.O, arch.PostNorm: &l.PostNorm, arch.Gate: &l.Gate,
		arch.DenseW1: &l.Dense.W1, arch.DenseW2: &l.Dense.W2, arch.DenseW3: &l.Dense.W3,
	}[s.Role]
}

// expertSlot is where an expert keeps a tensor.
func expertSlot(w *model.ExpertWeights, s Spec) *tensor.Weight {
	return map[arch.Role]*tensor.Weight{arch.W1: &w.W1, arch.W2: &w.W2, arch.W3: &w.W3}[s.Role]
}

var rotaryBuffer = regexp.MustCompile(`^model\.(layers\.\d+\.self_attn\.)?rotary_emb\.inv_freq$`)

// Spare reports whether a tensor outside the layout may be left unread: a
// rotary table, which follows from rope_theta, or the head of a model that
// reuses its embedding.
func Spare(c model.Config, name string) bool {
	return rotaryBuffer.MatchString(name) || c.TieEmbeddings && name == arch.Of(c).Names[arch.Head]
}
