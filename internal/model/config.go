package model

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/moe"
)

// Config is the shape and the arithmetic of a Mixtral-family model.
type Config struct {
	// Arch names the architecture as config.json does; empty is
	// MixtralForCausalLM. The arithmetic depends only on the other fields.
	Arch     string
	Layers   int
	Hidden   int // width of a row
	FFN      int // width of an expert's intermediate row
	DenseFFN int // width of the intermediate row of a layer without experts; 0 when there is none
	Heads    int // query heads
	KVHeads  int // key and value heads; divides Heads
	HeadDim  int // width of one head, even
	Vocab    int
	Experts  int // experts of a layer that has any
	TopK     int // experts per row
	// DenseLayers are the layers without experts, ascending.
	DenseLayers []int
	Gate        GateRule
	QKNorm      bool // RMS norm of every query and key head before rotation
	RopeTheta   float64
	NormEps     float64
	// SlidingWindow is how many positions a query sees, itself included; 0 is
	// all of them.
	SlidingWindow int
	TieEmbeddings bool // the head reuses the embedding matrix
	MaxContext    int  // positions the model was made for
	// DType is the element type of the weight matrices; tensor.Invalid until
	// the weights have been looked at, when the configuration does not say.
	DType tensor.DType
	BOS   int   // -1 when the model has none
	EOS   []int // any of them ends an answer
}

// Topology counts the experts of every layer.
func (c Config) Topology() moe.Topology {
	perLayer := slices.Repeat([]int{c.Experts}, c.Layers)
	for _, layer := range c.DenseLayers {
		perLayer[layer] = 0
	}
	return moe.NewTopology(perLayer)
}

// IsDense reports that a layer has no experts.
func (c Config) IsDense(layer int) bool { return slices.Contains(c.DenseLayers, layer) }

// Bounds far above any model of the family: they keep every product of two
// dimensions and an element size inside an int64.
const (
	MaxLayers  = 1 << 12
	maxExperts = 1 << 14
	// maxModelExperts bounds experts over all layers, and with it the number
	// of tensors.
	maxModelExperts = 1 << 17
	maxDim          = 1 << 22
	maxContext      = 1 << 30
)

// Validate reports every fault of c at once.
func (c Config) Validate() error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	for _, d := range []struct {
		name   string
		v, max int
	}{
		{"layers", c.Layers, MaxLayers}, {"hidden", c.Hidden, maxDim}, {"ffn", c.FFN, maxDim},
		{"heads", c.Heads, maxDim}, {"kv heads", c.KVHeads, maxDim}, {"head dim", c.HeadDim, maxDim},
		{"vocab", c.Vocab, maxDim}, {"experts", c.Experts, maxExperts}, {"top k", c.TopK, maxExperts},
		{"max context", c.MaxContext, maxContext},
	} {
		if d.v < 1 || d.v > d.max {
			fault("%s is %d, expected 1 to %d", d.name, d.v, d.max)
		}
	}
	if c.KVHeads > 0 && c.Heads%c.KVHeads != 0 {
		fault("kv heads %d do not divide heads %d", c.KVHeads, c.Heads)
	}
	if c.HeadDim%2 != 0 {
		fault("head dim %d is odd, rotary embedding needs pairs", c.HeadDim)
	}
	if c.Heads > 0 && c.HeadDim > maxDim/c.Heads {
		fault("heads %d of head dim %d are wider than %d", c.Heads, c.HeadDim, maxDim)
	}
	if c.Layers > 0 && c.Experts > maxModelExperts/c.Layers {
		fault("%d layers of %d experts are more than %d experts", c.Layers, c.Experts, maxModelExperts)
	}
	faults = append(faults, c.denseFaults()...)
	if c.Gate < SoftmaxOfTopK || c.Gate > TopKOfSoftmaxNormalized {
		fault("gate rule is %d, expected %d to %d", c.Gate, SoftmaxOfTopK, TopKOfSoftmaxNormalized)
	}
	if c.TopK > c.Experts {
		fault("top k %d is above experts %d", c.TopK, c.Experts)
	}
	if !(c.RopeTheta > 0) || math.IsInf(c.RopeTheta, 1) {
		fault("rope theta is %v, expected a positive finite number", c.RopeTheta)
	}
	if !(c.NormEps > 0 && c.NormEps < 1) {
		fault("norm eps is %v, expected above 0 and below 1", c.NormEps)
	}
	if c.SlidingWindow < 0 || c.SlidingWindow > maxContext {
		fault("sliding window is %d, expected 0 to %d", c.SlidingWindow, maxContext)
	}
	if c.DType != tensor.Invalid && !c.DType.Known() {
		fault("weights are %v, expected one of %v", c.DType, tensor.Formats())
	}
	if c.BOS < -1 || c.BOS >= c.Vocab {
		fault("bos token %d is outside the vocabulary of %d", c.BOS, c.Vocab)
	}
	for _, id := range c.EOS {
		if id < 0 || id >= c.Vocab {
			fault("eos token %d is outside the vocabulary of %d", id, c.Vocab)
		}
	}
	return errors.Join(faults...)
}

// denseFaults checks the layers without experts.
func (c Config) denseFaults() (faults []error) {
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if !slices.IsSorted(c.DenseLayers) || len(slices.Compact(slices.Clone(c.DenseLayers))) != len(c.DenseLayers) {
		fault("dense layers %v are not ascending", c.DenseLayers)
	}
	for _, layer := range c.DenseLayers {
		if layer < 0 || layer >= c.Layers {
			fault("dense layer %d is not one of the %d layers", layer, c.Layers)
		}
	}
	if len(c.DenseLayers) >= c.Layers && c.Layers > 0 {
		fault("all %d layers are dense: hachi serves models with experts", c.Layers)
	}
	if len(c.DenseLayers) > 0 && (c.DenseFFN < 1 || c.DenseFFN > maxDim) {
		fault("dense ffn is %d, expected 1 to %d", c.DenseFFN, maxDim)
	}
	return faults
}
