package model

import (
	"context"

	"github.com/hachi-serve/hachi/compute/tensor"
	"github.com/hachi-serve/hachi/moe"
)

// Local is Experts in this process: it calls an FFN and combines, with the
// same roundings as a cluster.
type Local struct{ FFN FFN }

// Forward implements Experts.
func (l Local) Forward(ctx context.Context, layer int, h tensor.Matrix, r moe.Routing, x tensor.Matrix) error {
	replies := tensor.NewMatrix(h.Rows*r.K, h.Cols)
	byExpert := map[int32][]int{}
	for i, e := range r.Experts {
		byExpert[e] = append(byExpert[e], i)
	}
	for expert, slots := range byExpert {
		if err := ctx.Err(); err != nil {
			return err
		}
		in, out := tensor.NewMatrix(len(slots), h.Cols), tensor.NewMatrix(len(slots), h.Cols)
		for i, slot := range slots {
			copy(in.Row(i), h.Row(slot/r.K))
		}
		if err := l.FFN.Forward(moe.ExpertID{Layer: layer, Expert: int(expert)}, in, out); err != nil {
			return err
		}
		for i, slot := range slots {
			copy(replies.Row(slot), out.Row(i))
		}
	}
	Combine(x, r, make([]float32, h.Cols), func(row, slot int) []float32 { return replies.Row(row*r.K + slot) })
	return nil
}
