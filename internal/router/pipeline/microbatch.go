package pipeline

import (
	"sort"
	"time"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/moe"
)

// microBatch is a share of a step's rows.
//
// After the attention of the last layer, which has written K and V of all rows, only
// those whose logits are wanted are read again. They move to the front, the experts
// of the layer get no others, and they go back to where Head looks for them:
//
//	row          0  1  2  3  4        outputs 2 and 4
//	narrow       2  4  -  -  -
//	widen        -  -  2  -  4
type microBatch struct {
	model.Rows
	all      tensor.Matrix // X of every row of the share
	outputs  []int32       // rows of the step that narrow has left, if it has left some
	done     chan error    // of the expert call; capacity 1
	inFlight bool          // an expert call runs on Rows
	took     time.Duration // by the last expert call
	nodes    []moe.NodeID  // memory of Routing.Nodes
}

// reset gives the micro-batch the rows first to end-1 of a step.
func (b *microBatch) reset(first, end int, x, h, gate tensor.Matrix) {
	b.First, b.X, b.H, b.Gate = first, x.Slice(first, end), h.Slice(first, end), gate.Slice(first, end)
	b.all, b.outputs = b.X, nil
}

// narrow leaves the rows that are among outputs, ascending rows of the step.
func (b *microBatch) narrow(outputs []int32) {
	lo, hi := within(outputs, b.First, b.First+b.X.Rows)
	b.outputs = outputs[lo:hi:hi]
	for to, row := range b.outputs {
		if from := int(row) - b.First; from != to {
			copy(b.X.Row(to), b.X.Row(from))
			copy(b.H.Row(to), b.H.Row(from))
			copy(b.Gate.Row(to), b.Gate.Row(from))
		}
	}
	n := hi - lo
	b.X, b.H, b.Gate = b.X.Slice(0, n), b.H.Slice(0, n), b.Gate.Slice(0, n)
}

// widen moves the rows that narrow has left back.
func (b *microBatch) widen() {
	for from := len(b.outputs) - 1; from >= 0; from-- {
		if to := int(b.outputs[from]) - b.First; to != from {
			copy(b.all.Row(to), b.all.Row(from))
		}
	}
}

// between says which of its rows, lo to hi-1, are rows first to end-1 of the step.
func (b *microBatch) between(first, end int) (lo, hi int) {
	if b.outputs != nil {
		return within(b.outputs, first, end)
	}
	return min(max(0, first-b.First), b.X.Rows), min(max(0, end-b.First), b.X.Rows)
}

// within says which of some ascending rows, lo to hi-1, are among first to end-1.
func within(rows []int32, first, end int) (lo, hi int) {
	from := func(row int) int { return sort.Search(len(rows), func(i int) bool { return int(rows[i]) >= row }) }
	return from(first), from(end)
}
