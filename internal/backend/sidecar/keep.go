package sidecar

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hachi-serve/hachi/internal/backend"
)

// keep keeps a helper running until ctx ends, or until too many in a row have failed.
func (e *remote) keep(ctx context.Context, s *session) {
	defer close(e.kept)
	for failures := 0; ; {
		select {
		case <-ctx.Done():
			s.fail(errEnded) // for calls that wait for the helper
			e.replace(nil)
			s.close()
			return
		case <-s.gone:
		}
		started := time.Now()
		e.replace(nil)
		s.close()
		ended := fmt.Errorf("%w%s", s.failure(), s.output.last())
		e.d.log.Warn("helper of the experts ended, starting it again", "helper", e.index, "err", ended)
		if failures++; s.served.Load() {
			failures = 0
		}
		var err error
		if s, failures, err = e.revive(ctx, failures, ended); err != nil {
			if ctx.Err() == nil {
				e.d.log.Error("helper of the experts does not come back", "helper", e.index, "err", err)
				e.failed <- &backend.LostError{Device: fmt.Sprintf("helper %d", e.index), Err: err}
			}
			return
		}
		e.d.log.Warn("helper of the experts is back", "helper", e.index, "after", time.Since(started))
	}
}

// revive starts helpers until one has all experts, and counts those in a row that have
// failed, the last one by err. The wait before each doubles.
func (e *remote) revive(ctx context.Context, failed int, err error) (s *session, failures int, _ error) {
	var other *wrongFamily
	for failures = failed; failures < maxFailures && !errors.As(err, &other); failures++ {
		timer := time.NewTimer(min(e.d.waits.first<<failures, e.d.waits.last))
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil, failures, ctx.Err()
		case <-timer.C:
		}
		if s, err = e.restore(ctx); err == nil {
			return s, failures, nil
		}
		if ctx.Err() != nil {
			return nil, failures, err
		}
	}
	return nil, failures, fmt.Errorf("the helper of the experts failed %d times in a row: %w", failures, err)
}

// restore starts a helper and gives it all experts. Each is computed as soon as it is
// there.
func (e *remote) restore(ctx context.Context) (*session, error) {
	s, err := e.d.openSession(ctx, e.index, e.configure)
	if err != nil {
		return nil, err
	}
	defer s.endWith(ctx)()
	e.replace(s)
	for {
		more, err := e.restoreOne(s)
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			e.replace(nil)
			s.close()
			return nil, fmt.Errorf("%w%s", err, s.output.last())
		}
		if !more {
			return s, nil
		}
	}
}

// restoreOne gives a helper the next expert that it has not got back; false if none is
// left.
func (e *remote) restoreOne(s *session) (more bool, err error) {
	e.moving.Lock()
	defer e.moving.Unlock()
	id, w, ok := e.missing(s)
	if !ok {
		return false, nil
	}
	if err := s.load(id, w, e.d.waits); err != nil {
		return false, fmt.Errorf("expert %v: %w", id, err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	s.resident[id] = true
	return true, nil
}
