package coordinator

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hachi-serve/hachi/internal/cluster/registry"
)

// leader is the state of one term; lead's goroutine owns it.
//
// Two things fence its writes. Each write is one transaction, which etcd
// commits only if
//
//	create revision of the election key = proof.Revision, and
//	mod revisions of target and placement = those of written.
//
// The first keeps out a leader whose lease has ended, even one that does not know
// it yet. The second keeps out a decision upon values, and so upon a last epoch,
// that this leader has not read.
type leader struct {
	c       *Coordinator
	proof   registry.Leadership
	written registry.State
	// stale asks to read written again: a write failed, or etcd shows a write,
	// which need not be this leader's. What is damaged or deleted is decided again.
	stale bool
	// fenced counts fenced writes in a row. The first may only mean that another
	// program wrote; the second ends the term.
	fenced int
	s      *state
	logged string    // the reason that was last logged; empty when all is well
	since  time.Time // when it was logged
	sound  time.Time // when nothing was wrong last
}

// lead follows the records and writes what the state decides, until ctx ends
// or a write is fenced. It decides nothing before the first list of each kind:
// without nodes every member would look lost, without routers the highest
// reported epoch would be too low, and without drains a node that should leave
// would get experts.
func (c *Coordinator) lead(ctx context.Context, proof registry.Leadership) error {
	l := &leader{c: c, proof: proof, sound: time.Now()}
	if err := l.read(ctx); err != nil {
		return fmt.Errorf("read target and placement: %w", err)
	}
	l.s = newState(c.rules(), l.facts(), c.floor, c.cfg.Alive, time.Now())
	l.s.heard = c.cfg.Heard
	reg := c.cfg.Registry
	nodes, routers, loads, drains := reg.WatchNodes(ctx), reg.WatchRouters(ctx), reg.WatchLoads(ctx), reg.WatchDrains(ctx)
	target, placement := reg.WatchWritten(ctx)
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
			l.s.observeRouters(r)
			seenRouters = true
			continue // acks and loads come often and can wait for the clock
		case r := <-loads:
			l.s.observeLoads(r, time.Now())
			continue
		case d := <-drains:
			l.s.observeDrains(d)
			seenDrains = true
		case <-target:
			l.stale = true
		case <-placement:
			l.stale = true
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

// rules are the default rules with what was configured.
func (c *Coordinator) rules() rules {
	r := defaultRules()
	r.policy, r.replicas, r.redundant, r.expect, r.ttl = c.cfg.Policy, c.cfg.Replicas, c.cfg.Redundant, c.cfg.Expect, c.cfg.TTL
	return r
}

// read takes the values and revisions that the next write is compared with. A
// failed read keeps the old ones.
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

// maxFenced is the number of fenced writes in a row that end a term.
const maxFenced = 2

// step decides and writes. Only fenced writes end the term: after any other failure
// the write may or may not have happened, so the next step reads first.
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
	// next()-1 counts the adopted placement and all reports, so the floor keeps
	// the epochs of this term when the records that show them are gone.
	l.c.floor = max(l.c.floor, l.s.next()-1)
	l.log(time.Now())
	l.c.publish(l.s)
	switch {
	case errors.Is(err, registry.ErrFenced):
		l.stale = true
		if l.fenced++; l.fenced == maxFenced {
			return err
		}
		return nil
	case err != nil:
		l.stale = true
		l.c.writes.Failed("etcd", "err", err)
	default:
		l.c.writes.Worked("etcd")
	}
	l.fenced = 0
	return nil
}

// write writes the target before the placement. A placement's epoch is never below
// that of the target it follows, and nodes must read the target to report what
// they hold under it. When the target fails, the placement is not tried.
func (l *leader) write(ctx context.Context, w writes) error {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	reg, logger := l.c.cfg.Registry, l.c.cfg.Logger
	if l.written.Stale {
		if err := reg.Rewrite(ctx, l.proof, &l.written); err != nil {
			return fmt.Errorf("sign target and placement again: %w", err)
		}
	}
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
	// logEvery bounds how often a changed reason is logged: while experts are
	// loaded it changes with each of them.
	logEvery = 30 * time.Second
	// logAfter is how long something is wrong before it is logged: a cluster that
	// starts is not degraded.
	logAfter = 5 * time.Second
)

// log logs why the placement is degraded, and the end of it. A reason is logged
// when something has been wrong for logAfter and the last log is logEvery old; the
// end of what was logged is logged at once.
func (l *leader) log(now time.Time) {
	text := l.s.degraded()
	if text == "" {
		l.sound = now
	}
	switch {
	case text == l.logged || (text != "" && (now.Sub(l.sound) < logAfter || now.Sub(l.since) < logEvery)):
		return
	case text == "":
		l.c.cfg.Logger.Warn("no longer degraded")
	default:
		l.c.cfg.Logger.Warn("degraded", "why", text)
	}
	l.logged, l.since = text, now
}
