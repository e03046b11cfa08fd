package sidecar

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/hachi-serve/hachi/internal/backend"
	"github.com/hachi-serve/hachi/internal/backend/sidecar/protocol"
	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/moe"
)

// errAway is the cause of calls that fail while there is no helper, or while it has not
// got the expert back yet.
var errAway = errors.New("the helper of the experts is being started again")

// remote computes experts in one helper. A fleet has one or more.
type remote struct {
	d         *device
	index     int // of the helper
	cfg       model.Config
	configure protocol.Configure
	memory    int64                   // of the first helper
	failed    chan *backend.LostError // has room for the errors of all helpers
	stop      context.CancelFunc
	kept      chan struct{} // closed when nothing keeps a helper running

	moving sync.Mutex // one load or unload at a time; it guards borrowed weights while they are copied

	mu      sync.RWMutex // guards the fields below; held for reading by calls
	experts map[moe.ExpertID]model.ExpertWeights
	session *session // nil while there is none
}

func openRemote(d *device, index int, failed chan *backend.LostError, cfg model.Config, n model.Numerics) (*remote, error) {
	e := &remote{
		d: d, index: index, cfg: cfg, experts: map[moe.ExpertID]model.ExpertWeights{}, failed: failed, kept: make(chan struct{}),
		configure: protocol.Configure{Hidden: cfg.Hidden, FFN: cfg.FFN, Wire: n.Wire, Inner: n.FFNActivation, Slots: slotCount},
	}
	ctx, stop := context.WithCancel(context.Background())
	s, err := d.openSession(ctx, index, e.configure)
	if err != nil {
		stop()
		return nil, err
	}
	e.session, e.memory, e.stop = s, s.hello.Memory, stop
	go e.keep(ctx, s)
	return e, nil
}

// part is a group of a call, and the rows of y that are its replies.
type part struct {
	group moe.Group
	y     []byte
}

// run computes parts of a call. While the helper is away it fails as moe.Unreachable.
func (e *remote) run(ctx context.Context, layer int, parts []part, x []byte) error {
	e.mu.RLock()
	defer e.mu.RUnlock()
	if err := e.check(layer, parts); err != nil {
		return err
	}
	t := tiles{s: e.session, within: e.d.waits.run}
	err := func() error {
		for _, p := range parts {
			if err := t.run(ctx, moe.ExpertID{Layer: layer, Expert: p.group.Expert}, p.group.Index, x, p.y); err != nil {
				return err
			}
		}
		return nil
	}()
	if err = t.endAll(err); err != nil && ctx.Err() == nil {
		err = away(err)
	}
	return err
}

// check finds an expert that cannot be computed now. e.mu is held.
func (e *remote) check(layer int, parts []part) error {
	for _, p := range parts {
		id := moe.ExpertID{Layer: layer, Expert: p.group.Expert}
		if _, ok := e.experts[id]; !ok {
			return &moe.Error{Op: fmt.Sprintf("expert %v", id), Kind: moe.NotHosted}
		}
		if e.session == nil || !e.session.resident[id] {
			return away(errAway)
		}
	}
	return nil
}

// away makes routers use another replica.
func away(err error) error { return &moe.Error{Op: "run experts", Kind: moe.Unreachable, Err: err} }

// Load gives an expert to the helper. It fails while the helper is away. A helper that
// loads when ctx ends is given up: it may be compiling, for many minutes.
func (e *remote) Load(ctx context.Context, id moe.ExpertID, w model.ExpertWeights) error {
	if err := backend.CheckExpert(e.cfg, id, w); err != nil {
		return err
	}
	e.moving.Lock()
	defer e.moving.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	s := e.present()
	if s == nil {
		return fmt.Errorf("expert %v: %w", id, away(errAway))
	}
	defer s.endWith(ctx)()
	if err := s.load(id, w, e.d.waits); err != nil {
		return fmt.Errorf("expert %v: %w", id, err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.experts[id], s.resident[id] = w, true
	return nil
}

// Unload forgets an expert. It waits for running calls.
func (e *remote) Unload(id moe.ExpertID) error {
	e.moving.Lock()
	defer e.moving.Unlock()
	e.mu.Lock()
	s := e.session
	resident := s != nil && s.resident[id]
	delete(e.experts, id)
	if s != nil {
		delete(s.resident, id)
	}
	e.mu.Unlock()
	if !resident {
		return nil
	}
	var refused *refusal
	if err := s.unload(id, e.d.waits); errors.As(err, &refused) {
		return fmt.Errorf("expert %v: %w", id, err)
	}
	return nil // a helper that has ended holds nothing
}

// Close returns when the helper has ended.
func (e *remote) Close() error {
	e.stop()
	<-e.kept
	return nil
}

// expertBytes is the memory of an expert in the helper.
func (e *remote) expertBytes(format tensor.DType) int64 {
	return 3 * int64(e.cfg.Hidden) * int64(e.cfg.FFN) * int64(elementOf(format).Size())
}

func (e *remote) present() *session {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.session
}

// replace makes a session the present one; nil is none. It waits for running calls.
func (e *remote) replace(s *session) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.session = s
}

// missing is an expert that a session has not got back yet.
func (e *remote) missing(s *session) (id moe.ExpertID, w model.ExpertWeights, ok bool) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	for id, w := range e.experts {
		if !s.resident[id] {
			return id, w, true
		}
	}
	return id, w, false
}
