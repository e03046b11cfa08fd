package model

import (
	"context"
	"sync"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/moe"
)

// Local is Experts in this process: it calls an FFN and combines, with the
// same roundings as a cluster. It is safe for concurrent use; calls take turns.
// Its scratch stays for the next call.
type Local struct {
	FFN FFN

	mu      sync.Mutex // guards all below
	in, out tensor.Matrix
	places  []int // row of in and out, by slot of the routing
	acc     []float32
}

// Forward implements Experts.
func (l *Local) Forward(ctx context.Context, layer int, h tensor.Matrix, r moe.Routing, x tensor.Matrix) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	slots := len(r.Experts)
	l.in, l.out = l.in.Resize(slots, h.Cols), l.out.Resize(slots, h.Cols)
	if cap(l.places) < slots {
		l.places = make([]int, slots)
	}
	l.places = l.places[:slots]
	at := 0
	for expert, ok := following(r.Experts, -1); ok; expert, ok = following(r.Experts, expert) {
		if err := ctx.Err(); err != nil {
			return err
		}
		from := at
		at = l.gather(expert, at, h, r)
		if err := l.FFN.Forward(moe.ExpertID{Layer: layer, Expert: int(expert)}, l.in.Slice(from, at), l.out.Slice(from, at)); err != nil {
			return err
		}
	}
	if len(l.acc) != h.Cols {
		l.acc = make([]float32, h.Cols)
	}
	Combine(x, r, l.acc, func(row, slot int) []float32 { return l.out.Row(l.places[row*r.K+slot]) })
	return nil
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

// gather copies the rows of an expert to rows at.. of in and returns the end.
func (l *Local) gather(expert int32, at int, h tensor.Matrix, r moe.Routing) int {
	for slot, e := range r.Experts {
		if e == expert {
			copy(l.in.Row(at), h.Row(slot/r.K))
			l.places[slot] = at
			at++
		}
	}
	return at
}
