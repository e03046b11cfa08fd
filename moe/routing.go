package moe

// Routing is the gate's choice for a batch of rows.
//
// Experts and Weights are both [rows, K], row-major. The experts of a row are
// distinct and ascending; the weights are f32 in the same order and sum to 1
// up to rounding (softmax over the K chosen gate logits).
type Routing struct {
	K       int
	Experts []int32
	Weights []float32
	// Nodes, where it is not nil, has the length of Experts and receives the node
	// that computed each slot; a slot that no node computed stays as it is.
	Nodes []NodeID
}

// Rows is the number of rows routed.
func (r Routing) Rows() int {
	if r.K == 0 {
		return 0
	}
	return len(r.Experts) / r.K
}

// Load counts rows per expert over a window. Rows[layer][expert].
type Load struct {
	Rows [][]uint64
}
