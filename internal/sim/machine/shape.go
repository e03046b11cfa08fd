package machine

import (
	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/model"
)

// Work is what a kernel reads and computes.
type Work struct {
	Bytes float64 // of weights, and of the KV cache
	Ops   float64 // operations: a multiplication and an addition are two
}

// Shape is what the parts of a model cost.
type Shape struct {
	Config  model.Config
	Experts tensor.DType // format of experts
	// Dense is the format of everything else.
	Dense tensor.DType

	ExpertBytes int64
	RowBytes    int     // of a row on the wire
	KVBytes     float64 // of a position in one layer
	DenseBytes  int64   // of all weights but those of experts

	expertRow float64 // operations of a row of an expert
	attention Work    // weights of a layer's attention and gate; operations of a row
	score     float64 // operations of a row and a position that it sees
	denseFFN  Work    // of a layer without experts
	head      Work
}

// NewShape is the shape of a model whose experts have a format; Invalid keeps the
// checkpoint's.
func NewShape(c model.Config, experts tensor.DType, n model.Numerics) Shape {
	dense := c.DType
	if dense == tensor.Invalid {
		dense = tensor.BF16
	}
	if experts == tensor.Invalid {
		experts = dense
	}
	s := Shape{Config: c, Experts: experts, Dense: dense, RowBytes: c.Hidden * n.Wire.Size()}
	expert := product(experts, c.FFN, c.Hidden).times(2).plus(product(experts, c.Hidden, c.FFN))
	s.ExpertBytes, s.expertRow = int64(expert.Bytes), expert.Ops
	query, kv := c.Heads*c.HeadDim, c.KVHeads*c.HeadDim
	s.attention = product(dense, query, c.Hidden).plus(product(dense, kv, c.Hidden).times(2)).plus(product(dense, c.Hidden, query)).plus(product(dense, c.Experts, c.Hidden))
	s.score = 4 * float64(query)
	s.KVBytes = 2 * float64(kv*n.KV.Size())
	if n.KV.Scaled() {
		s.KVBytes += 2 * 4 * float64(c.KVHeads) // scales
	}
	s.head = product(dense, c.Vocab, c.Hidden)
	if len(c.DenseLayers) > 0 {
		s.denseFFN = product(dense, c.DenseFFN, c.Hidden).times(3)
	}
	all := s.attention.Bytes*float64(c.Layers) + s.denseFFN.Bytes*float64(len(c.DenseLayers)) + s.head.Bytes
	if !c.TieEmbeddings {
		all += s.head.Bytes
	}
	s.DenseBytes = int64(all)
	return s
}

// product is a matrix of weights: its bytes, and the operations of one row.
func product(format tensor.DType, rows, cols int) Work {
	return Work{float64(format.Bytes(rows, cols)), 2 * float64(rows) * float64(cols)}
}

func (w Work) times(n float64) Work { return Work{n * w.Bytes, n * w.Ops} }
func (w Work) plus(other Work) Work { return Work{w.Bytes + other.Bytes, w.Ops + other.Ops} }
