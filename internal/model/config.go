package model

import (
	"errors"
	"fmt"
	"math"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/moe"
)

// Config is the shape and the arithmetic of a Mixtral-family model.
type Config struct {
	Layers    int
	Hidden    int // width of a row
	FFN       int // width of an expert's inner row
	Heads     int // query heads
	KVHeads   int // key and value heads; divides Heads
	HeadDim   int // width of one head, even
	Vocab     int
	Experts   int // experts per layer
	TopK      int // experts per row
	RopeTheta float64
	NormEps   float64
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
func (c Config) Topology() moe.Topology { return moe.Uniform(c.Layers, c.Experts) }

// Bounds far above any model of the family: they keep every product of two
// dimensions and an element size inside an int64.
const (
	maxLayers  = 1 << 12
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
		{"layers", c.Layers, maxLayers}, {"hidden", c.Hidden, maxDim}, {"ffn", c.FFN, maxDim},
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
	if c.DType > tensor.Int4Affine {
		fault("weights are %v, expected f32, f16, bf16, int8, int4 or int4-affine", c.DType)
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
