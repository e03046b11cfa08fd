package sidecar

import (
	"context"
	"fmt"
	"time"

	"github.com/hachi-serve/hachi/internal/backend/sidecar/protocol"
	"github.com/hachi-serve/hachi/moe"
)

// tile is a part of a call on its way to the helper and back.
type tile struct {
	slot   int
	y      []byte // of the caller
	answer <-chan error
}

// tiles computes the groups of one call. Tiles of a call and of other calls are on
// their way at the same time; they end in the order in which they began.
type tiles struct {
	s      *session
	within time.Duration
	begun  []tile
}

// run cuts a group into tiles and begins each.
func (t *tiles) run(ctx context.Context, id moe.ExpertID, index []int32, x, y []byte) error {
	size := t.s.layout.RowBytes
	for len(index) > 0 {
		n := min(t.s.hello.TileRows, len(index))
		slot, err := t.slot(ctx)
		if err != nil {
			return err
		}
		in := t.s.layout.In(t.s.rows.bytes, slot, n)
		for i, row := range index[:n] {
			copy(in[i*size:(i+1)*size], x[int(row)*size:])
		}
		answer, err := t.s.ask(protocol.KindRun, protocol.Run{Expert: id, Slot: slot, Rows: n}.Body(), nil, t.within)
		if err != nil {
			return err
		}
		t.begun = append(t.begun, tile{slot, y[:n*size], answer})
		index, y = index[n:], y[n*size:]
	}
	return nil
}

// slot is a free slot. A call that waits for one ends its own tiles first: calls that
// wait for each other's slots would wait without end.
func (t *tiles) slot(ctx context.Context) (int, error) {
	for {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		if slot, ok := t.s.slots.try(); ok {
			return slot, nil
		}
		if len(t.begun) == 0 {
			break
		}
		if err := t.end(); err != nil {
			return 0, err
		}
	}
	slot, ok := t.s.slots.take(ctx, t.s.gone)
	switch {
	case ok:
		return slot, nil
	case ctx.Err() != nil:
		return 0, ctx.Err()
	}
	return 0, t.s.failure()
}

// end waits for the first tile and copies its rows. A run that the helper refuses is a
// fault of its device: the helper is given up. Its slots are then never free again.
func (t *tiles) end() error {
	first := t.begun[0]
	t.begun = t.begun[1:]
	if err := t.s.wait(protocol.KindRun, first.answer, t.within); err != nil {
		t.s.fail(fmt.Errorf("run of an expert: %w", err))
		return err
	}
	t.s.served.Store(true)
	copy(first.y, t.s.layout.Out(t.s.rows.bytes, first.slot, len(first.y)/t.s.layout.RowBytes))
	t.s.slots.give(first.slot)
	return nil
}

// endAll waits for all tiles, also when the call has failed: their slots are needed.
func (t *tiles) endAll(err error) error {
	for len(t.begun) > 0 {
		if ended := t.end(); err == nil {
			err = ended
		}
	}
	return err
}
