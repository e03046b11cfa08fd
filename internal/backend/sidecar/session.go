package sidecar

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/hachi-serve/hachi/internal/backend/sidecar/protocol"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/moe"
)

// slotCount is the number of tiles that may be on their way to a helper and back. A
// call that finds no free slot waits.
const slotCount = 8

// session is a helper that knows the shape of the experts, and the memory of rows that
// it shares with the node.
type session struct {
	*helper
	configure protocol.Configure
	layout    protocol.Rows
	rows      *shared
	slots     slots
	served    atomic.Bool           // it has computed a tile
	resident  map[moe.ExpertID]bool // remote.mu guards it
}

// openSession starts a helper of a family and configures it.
func (d *device) openSession(ctx context.Context, index int, c protocol.Configure) (*session, error) {
	h, err := startHelper(ctx, d.argv, index, d.waits, d.log)
	if err != nil {
		return nil, err
	}
	s := &session{helper: h, configure: c, layout: protocol.LayOutRows(h.hello, c), slots: newSlots(c.Slots), resident: map[moe.ExpertID]bool{}}
	defer h.endWith(ctx)()
	if err := s.prepare(d); err != nil {
		h.stop()
		return nil, fmt.Errorf("helper %q: %w%s", d.argv[0], err, h.output.last())
	}
	return s, nil
}

// wrongFamily is a helper that would compute other bits.
type wrongFamily struct{ want, got string }

func (w *wrongFamily) Error() string {
	return fmt.Sprintf("the helper is of numerics family %s, expected %s: device, driver or versions differ", w.got, w.want)
}

func (s *session) prepare(d *device) (err error) {
	if got := s.hello.Family; got != d.family {
		return &wrongFamily{d.family, got}
	}
	if s.rows, err = newShared("hachi-rows", s.layout.Size()); err != nil {
		return err
	}
	if err := s.call(protocol.KindConfigure, s.configure.Body(), s.rows.file, d.waits.hello); err != nil {
		return fmt.Errorf("configure the helper: %w", errors.Join(err, s.rows.close()))
	}
	return nil
}

// close ends the helper. No call uses the session any more.
func (s *session) close() {
	s.stop()
	_ = s.rows.close()
}

// load gives an expert to the helper, which has copied the weights when load returns.
func (s *session) load(id moe.ExpertID, w model.ExpertWeights, waits waits) error {
	to := elementOfExpert(w)
	layout := protocol.LayOutMatrices(s.configure, to)
	memory, err := newShared("hachi-expert", layout.Size())
	if err != nil {
		return err
	}
	writeWeights(memory.bytes, layout, w, to)
	err = s.call(protocol.KindLoad, protocol.Load{Expert: id, DType: to}.Body(), memory.file, waits.load)
	return errors.Join(err, memory.close())
}

func (s *session) unload(id moe.ExpertID, waits waits) error {
	return s.call(protocol.KindUnload, protocol.Unload{Expert: id}.Body(), nil, waits.run)
}
