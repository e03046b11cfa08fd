package router

import (
	"context"
	"time"

	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// follow adopts placements, reports acks and counts, and watches readiness.
func follow(ctx context.Context, c Config, ready *readiness, report func(bool)) {
	clock := time.NewTicker(reportEvery)
	defer clock.Stop()
	reported := false
	for {
		acked, counts := c.Dispatcher.AckedEpoch(), c.Dispatcher.Counts()
		c.Session.Update(func(r *hachiv1.RouterRecord) { r.AckedEpoch, r.RowsSent = uint64(acked), counts })
		now := time.Now()
		ready.observe(now, look(c))
		if ok := ready.ok(now); ok != reported {
			reported = ok
			report(ok)
			c.Logger.Info("readiness changed", "ready", ok)
		}
		select {
		case <-ctx.Done():
			return
		case p, ok := <-c.Placements:
			if !ok {
				c.Placements = nil
			}
			if ok && c.Dispatcher.Adopt(p) {
				c.Logger.Info("placement adopted", "epoch", p.Epoch())
			}
		case <-clock.C:
		}
	}
}

// look gathers what readiness depends on.
func look(c Config) observation {
	s := c.Engine.Stats()
	o := observation{abandoned: s.Abandoned, committed: s.Steps, idle: s.Waiting+s.Running == 0}
	if p := c.Dispatcher.Placement(); p != nil {
		o.epoch = p.Epoch()
	}
	return o
}
