package coordinator

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hachi-serve/hachi/internal/cluster/registry"
)

// leader is the state of one term.
type leader struct {
	c       *Coordinator
	proof   registry.Leadership
	written registry.State
	stale   bool // what is written must be read again
	s       *state
	told    string    // what was last logged to be wrong
	logged  time.Time // when
	sound   time.Time // when nothing was wrong last
}

// lead follows the records and writes what the state decides, until ctx ends
// or a write is fenced.
func (c *Coordinator) lead(ctx context.Context, proof registry.Leadership) error {
	l := &leader{c: c, proof: proof, sound: time.Now()}
	if err := l.read(ctx); err != nil {
		return fmt.Errorf("read target and placement: %w", err)
	}
	l.s = newState(c.rules(), l.facts(), c.floor, c.cfg.Alive, time.Now())
	reg := c.cfg.Registry
	nodes, routers, drains := reg.WatchNodes(ctx), reg.WatchRouters(ctx), reg.WatchDrains(ctx)
	seenNodes, seenRouters, seenDrains := false, false, false
	clock := time.NewTicker(tick)
	defer clock.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
			continue
		case n := <-nodes:
			l.s.observeNodes(n.Records, n.Connection, time.Now())
			seenNodes = true
		case r := <-routers:
			l.s.observeRouters(r, time.Now())
			seenRouters = true
			continue // counters come often and can wait for the clock
		case d := <-drains:
			l.s.observeDrains(d)
			seenDrains = true
		case <-clock.C:
		}
		if ctx.Err() != nil || !seenNodes || !seenRouters || !seenDrains {
			continue
		}
		if err := l.step(ctx); err != nil {
			return err
		}
	}
	return errors.New("leadership ended")
}

// rules are the configured ones.
func (c *Coordinator) rules() rules {
	r := defaultRules()
	r.policy, r.replicas, r.expect, r.ttl = c.cfg.Policy, c.cfg.Replicas, c.cfg.Expect, c.cfg.TTL
	return r
}

func (l *leader) read(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	written, err := l.c.cfg.Registry.ReadState(ctx)
	if err == nil {
		l.written = written
	}
	return err
}

func (l *leader) facts() written {
	return written{l.written.Target, l.written.TargetKnown, l.written.Placement}
}

// step decides and writes. Only a fenced write ends the term: any other
// failure leaves open what is written, which the next step reads first.
func (l *leader) step(ctx context.Context) error {
	if l.stale {
		if err := l.read(ctx); err != nil {
			l.c.cfg.Logger.Debug("etcd does not answer", "err", err)
			return nil
		}
		l.stale = false
		l.s.adopt(l.facts())
	}
	err := l.write(ctx, l.s.decide(time.Now()))
	l.s.adopt(l.facts())
	l.c.floor = max(l.c.floor, l.s.next()-1)
	l.log(time.Now())
	l.c.publish(l.s)
	switch {
	case errors.Is(err, registry.ErrFenced):
		return err
	case err != nil:
		l.stale = true
		l.c.cfg.Logger.Warn("etcd write failed, will re-read and retry", "err", err)
	}
	return nil
}

func (l *leader) write(ctx context.Context, w writes) error {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	reg, logger := l.c.cfg.Registry, l.c.cfg.Logger
	if w.target != nil {
		if err := reg.WriteTarget(ctx, l.proof, &l.written, *w.target); err != nil {
			return fmt.Errorf("write target: %w", err)
		}
		logger.Info("target written", "epoch", w.target.Epoch)
	}
	if w.placement != nil {
		if err := reg.WritePlacement(ctx, l.proof, &l.written, w.placement); err != nil {
			return fmt.Errorf("publish placement: %w", err)
		}
		logger.Info("placement published", "epoch", w.placement.Epoch())
	}
	return nil
}

const (
	// logEvery bounds how often the log tells what is wrong: while experts are
	// loaded that changes with every one of them.
	logEvery = 30 * time.Second
	// logAfter is how long something is wrong before the log tells: a start is
	// no fault.
	logAfter = 5 * time.Second
)

// log tells what is wrong, and when nothing is any more.
func (l *leader) log(now time.Time) {
	text := l.s.degraded()
	if text == "" {
		l.sound = now
	}
	switch {
	case text == l.told || (text != "" && (now.Sub(l.sound) < logAfter || now.Sub(l.logged) < logEvery)):
		return
	case text == "":
		l.c.cfg.Logger.Warn("no longer degraded")
	default:
		l.c.cfg.Logger.Warn("degraded", "why", text)
	}
	l.told, l.logged = text, now
}
