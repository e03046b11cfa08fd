package model

import "github.com/hachi-serve/hachi/compute/tensor"

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
	DType         tensor.DType
	BOS           int
	EOS           []int
}
