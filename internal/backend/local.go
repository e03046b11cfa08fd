package backend

import (
	"context"
	"slices"
	"sync"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/moe"
)

// Local is model.Experts in this process: it calls a model.FFN and combines, with the
// same roundings as a cluster. It is safe for concurrent use; calls take turns.
// Its scratch stays for the next call.
type Local struct {
	FFN  model.FFN
	Wire tensor.DType

	mu     sync.Mutex // guards all below
	x, y   []byte     // rows on their way to the FFN and back
	groups []moe.Group
	index  []int32 // of all groups
	places []int   // row of y, by slot of the routing
	reply  []float32
	acc    []float32
}

// Forward implements model.Experts.
func (l *Local) Forward(ctx context.Context, layer int, h tensor.Matrix, r moe.Routing, x tensor.Matrix) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	size := h.Cols * l.Wire.Size()
	l.x, l.y = resize(l.x, h.Rows*size), resize(l.y, len(r.Experts)*size)
	l.reply, l.acc = resize(l.reply, h.Cols), resize(l.acc, h.Cols)
	for i := range h.Rows {
		tensor.Encode(l.x[i*size:(i+1)*size], h.Row(i), l.Wire)
	}
	l.group(r)
	if err := l.FFN.Run(ctx, layer, l.groups, l.x, l.y); err != nil {
		return err
	}
	model.Combine(x, r, l.acc, func(row, slot int) []float32 {
		at := l.places[row*r.K+slot] * size
		tensor.Decode(l.reply, l.y[at:at+size], l.Wire)
		return l.reply
	})
	return nil
}

// group lists the rows of every expert, experts ascending.
func (l *Local) group(r moe.Routing) {
	l.places, l.index = resize(l.places, len(r.Experts)), slices.Grow(l.index[:0], len(r.Experts))
	l.groups = l.groups[:0]
	for expert, ok := following(r.Experts, -1); ok; expert, ok = following(r.Experts, expert) {
		first := len(l.index)
		for slot, e := range r.Experts {
			if e == expert {
				l.places[slot] = len(l.index)
				l.index = append(l.index, int32(slot/r.K))
			}
		}
		l.groups = append(l.groups, moe.Group{Expert: int(expert), Index: l.index[first:len(l.index):len(l.index)]})
	}
}

// following is the lowest expert after one that is asked for.
func following(experts []int32, after int32) (next int32, ok bool) {
	for _, e := range experts {
		if e > after && (!ok || e < next) {
			next, ok = e, true
		}
	}
	return next, ok
}

// resize is s with n elements of undefined content.
func resize[T any](s []T, n int) []T { return slices.Grow(s[:0], n)[:n] }
