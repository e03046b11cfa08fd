package backend

import (
	"context"
	"fmt"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/moe"
)

// EachExpert is a model.FFN that computes one expert at a time in f32. It is simple
// rather than fast: it decodes and encodes every row and allocates per call.
type EachExpert struct {
	Hidden int
	Wire   tensor.DType
	// Expert writes y [m, hidden] for x [m, hidden]. EachExpert rounds y to the
	// wire dtype.
	Expert func(id moe.ExpertID, x, y tensor.Matrix) error
}

// Run implements model.FFN.
func (e EachExpert) Run(ctx context.Context, layer int, groups []moe.Group, x, y []byte) error {
	size := e.Hidden * e.Wire.Size()
	if err := CheckRun(groups, x, y, size); err != nil {
		return err
	}
	for _, g := range groups {
		if err := ctx.Err(); err != nil {
			return err
		}
		in, out := tensor.NewMatrix(len(g.Index), e.Hidden), tensor.NewMatrix(len(g.Index), e.Hidden)
		for i, row := range g.Index {
			tensor.Decode(in.Row(i), x[int(row)*size:(int(row)+1)*size], e.Wire)
		}
		if err := e.Expert(moe.ExpertID{Layer: layer, Expert: g.Expert}, in, out); err != nil {
			return err
		}
		n := len(g.Index) * size
		tensor.Encode(y[:n], out.Data, e.Wire)
		y = y[n:]
	}
	return nil
}

// CheckRun finds what is wrong with the operands of model.FFN.Run, whose rows have
// rowBytes bytes.
func CheckRun(groups []moe.Group, x, y []byte, rowBytes int) error {
	rows, replies := len(x)/rowBytes, 0
	for _, g := range groups {
		for _, row := range g.Index {
			if row < 0 || int(row) >= rows {
				return &moe.Error{Op: "run experts", Kind: moe.Invalid, Err: fmt.Errorf("expert %d: row %d of %d", g.Expert, row, rows)}
			}
		}
		replies += len(g.Index)
	}
	if len(x) != rows*rowBytes || len(y) != replies*rowBytes {
		return &moe.Error{Op: "run experts", Kind: moe.Invalid,
			Err: fmt.Errorf("x in %d bytes and y in %d, expected rows of %d bytes and %d of them in y", len(x), len(y), rowBytes, replies)}
	}
	return nil
}
