package registry

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/proto"

	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// NodeSession keeps a node's record alive; RouterSession a router's, GatewaySession
// a gateway's, LoadSession what a router has sent.
type (
	NodeSession    = Session[hachiv1.NodeRecord, *hachiv1.NodeRecord]
	RouterSession  = Session[hachiv1.RouterRecord, *hachiv1.RouterRecord]
	GatewaySession = Session[hachiv1.GatewayRecord, *hachiv1.GatewayRecord]
	LoadSession    = Session[hachiv1.RouterLoad, *hachiv1.RouterLoad]
)

// writeEvery bounds how often a record is written.
const writeEvery = 100 * time.Millisecond

// Session keeps one record in etcd under a lease until it is closed.
type Session[T any, M message[T]] struct {
	r    *Registry
	key  string
	name *Name // nil if the process claimed none
	stop context.CancelFunc
	done chan struct{}
	wake chan struct{} // capacity 1: the record or hold changed
	// seen is the revision of the record that the next write replaces; known is false
	// after a write whose outcome is not known. Only keep uses them.
	seen  int64
	known bool
	lost  atomic.Bool // the last try to keep the record has failed

	mu     sync.Mutex // guards the fields below
	record *T
	dirty  bool
	wrote  []byte // the record as it was last written
	held   bool
	lease  LeaseID
}

// RegisterNode writes a node's record and keeps it.
func (r *Registry) RegisterNode(ctx context.Context, record *hachiv1.NodeRecord) *NodeSession {
	return open(ctx, r, r.nodeKey(record.GetNodeId()), record)
}

// RegisterRouter writes a router's record and keeps it.
func (r *Registry) RegisterRouter(ctx context.Context, record *hachiv1.RouterRecord) *RouterSession {
	return open(ctx, r, r.routerKey(record.GetRouterId()), record)
}

// RegisterGateway writes a gateway's record and keeps it.
func (r *Registry) RegisterGateway(ctx context.Context, record *hachiv1.GatewayRecord) *GatewaySession {
	return open(ctx, r, r.gatewayKey(record.GetGatewayId()), record)
}

// RegisterLoad writes what a router has sent and keeps it.
func (r *Registry) RegisterLoad(ctx context.Context, record *hachiv1.RouterLoad) *LoadSession {
	return open(ctx, r, r.loadKey(record.GetRouterId()), record)
}

func open[T any, M message[T]](ctx context.Context, r *Registry, key string, record *T) *Session[T, M] {
	ctx, stop := context.WithCancel(ctx)
	s := &Session[T, M]{
		r: r, key: key, name: r.claimed(), stop: stop, done: make(chan struct{}), wake: make(chan struct{}, 1),
		record: proto.Clone(M(record)).(M), dirty: true,
	}
	r.start(ctx, s.keep)
	return s
}

// Update changes the record; etcd sees it soon.
func (s *Session[T, M]) Update(change func(M)) {
	s.mu.Lock()
	before := proto.Clone(M(s.record))
	change(s.record)
	changed := !proto.Equal(before, M(s.record))
	s.dirty = s.dirty || changed
	s.mu.Unlock()
	if changed {
		s.poke()
	}
}

// Hold stops the renewal of the lease, so that it ends; false resumes.
func (s *Session[T, M]) Hold(held bool) {
	s.mu.Lock()
	changed := s.held != held
	s.held = held
	s.mu.Unlock()
	if changed {
		s.poke()
	}
}

func (s *Session[T, M]) poke() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Abandon stops the renewal as the end of the process would: the record stays
// until its lease ends.
func (s *Session[T, M]) Abandon() {
	s.stop()
	<-s.done
}

// Close gives the lease back, so that the record goes at once.
func (s *Session[T, M]) Close(ctx context.Context) error {
	s.Abandon()
	s.mu.Lock()
	lease := s.lease
	s.mu.Unlock()
	return s.r.revoke(ctx, lease)
}

// Lost reports whether the last try to keep the record has failed.
func (s *Session[T, M]) Lost() bool { return s.lost.Load() }

// keep writes and renews until ctx ends. Every failure is tried again, after a
// wait that stays below the TTL.
func (s *Session[T, M]) keep(ctx context.Context) {
	defer close(s.done)
	if s.name.Wait(ctx) != nil {
		return
	}
	renewEvery := s.r.opts.TTL / 3
	nextRenewal := time.Now()
	wait := firstBackoff
	failing := false
	for ctx.Err() == nil {
		pause := time.Until(nextRenewal)
		err := s.once(ctx, pause <= 0)
		failing = s.tell(ctx, failing, err)
		s.lost.Store(failing)
		if err != nil {
			sleep(ctx, wait)
			wait = min(2*wait, maxBackoff, renewEvery)
			nextRenewal = time.Now()
			continue
		}
		wait = firstBackoff
		if pause <= 0 {
			nextRenewal = time.Now().Add(renewEvery)
		}
		timer := time.NewTimer(time.Until(nextRenewal))
		select {
		case <-s.wake:
			sleep(ctx, writeEvery)
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// tell logs the first failure of a row and the success after it.
func (s *Session[T, M]) tell(ctx context.Context, failing bool, err error) bool {
	switch {
	case err != nil && !failing && ctx.Err() == nil:
		s.r.opts.Logger.Warn("registration lost, retrying", "key", s.key, "err", err)
	case err == nil && failing:
		s.r.opts.Logger.Warn("registration restored", "key", s.key)
	}
	return err != nil
}

// once renews the lease if it is time, grants one if there is none, and writes
// the record if it changed or is gone.
func (s *Session[T, M]) once(ctx context.Context, renew bool) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	s.mu.Lock()
	lease, held := s.lease, s.held
	s.mu.Unlock()
	if held {
		return nil
	}
	if renew && lease != 0 {
		err := s.r.store.Renew(ctx, lease)
		switch {
		case errors.Is(err, ErrLeaseEnded):
			lease = 0
		case err != nil:
			return err
		default:
			if err := s.check(ctx, lease); err != nil {
				return err
			}
		}
	}
	if lease == 0 {
		var err error
		if lease, err = s.r.store.Grant(ctx, s.r.opts.TTL); err != nil {
			return err
		}
		s.mu.Lock()
		s.lease, s.dirty = lease, true
		s.mu.Unlock()
	}
	return s.write(ctx, lease)
}

// check looks whether the record is still there as it was written. One that was
// deleted is written again, and so is one that was overwritten while this process
// holds its name. Without a claim the later process of a name keeps the record.
func (s *Session[T, M]) check(ctx context.Context, lease LeaseID) error {
	entries, err := s.r.store.Get(ctx, s.key)
	if err != nil {
		return err
	}
	i := s.look(entries)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case i < 0:
		s.dirty = true
	case s.name != nil:
		// The name is this process's, so whatever differs is damage.
		s.dirty = s.dirty || entries[i].Stale || entries[i].Lease != lease || !bytes.Equal(entries[i].Value, s.wrote)
	case entries[i].Lease != lease && !s.dirty:
		s.r.opts.Logger.Error("another process is registered under this name", "key", s.key)
	}
	return nil
}

// write puts the record under the lease. A lease that ended meanwhile is
// forgotten, so that the next try grants another.
func (s *Session[T, M]) write(ctx context.Context, lease LeaseID) error {
	s.mu.Lock()
	if !s.dirty {
		s.mu.Unlock()
		return nil
	}
	s.dirty = false
	raw, err := proto.Marshal(M(s.record))
	s.mu.Unlock()
	if err == nil {
		err = s.put(ctx, raw, lease)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		s.wrote = raw
		return nil
	}
	s.dirty = true
	if errors.Is(err, ErrLeaseEnded) {
		s.lease = 0
	}
	return err
}

// look finds the record among entries and remembers its revision; -1 is none.
func (s *Session[T, M]) look(entries []Entry) int {
	i := slices.IndexFunc(entries, func(e Entry) bool { return e.Key == s.key })
	s.seen, s.known = 0, true
	if i >= 0 {
		s.seen = entries[i].Modified
	}
	return i
}

// put writes the record. A process that claimed a name writes only while it holds the
// name, and only over the revision that it knows: a write that got no answer may reach
// the store later, and would put an older record over this one.
func (s *Session[T, M]) put(ctx context.Context, raw []byte, lease LeaseID) error {
	if s.name == nil {
		return s.r.store.Put(ctx, s.key, raw, lease)
	}
	guard, err := s.name.guard()
	if err != nil {
		return err
	}
	for range 2 { // once more with what is there now
		if !s.known {
			entries, err := s.r.store.Get(ctx, s.key)
			if err != nil {
				return err
			}
			s.look(entries)
		}
		written, err := s.r.store.Commit(ctx, []Guard{guard, {Key: s.key, Revision: s.seen}}, s.key, raw, lease)
		if s.known = err == nil; s.known {
			s.seen = written
		}
		if !errors.Is(err, ErrFenced) {
			return err
		}
	}
	return errNameLost
}
