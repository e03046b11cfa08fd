package router

import (
	"context"
	"time"

	"github.com/hachi-serve/hachi/internal/router/engine"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// follow adopts placements, reports acks and counts, and watches readiness.
func follow(ctx context.Context, c Config, ready *readiness, report func(bool)) {
	clock := time.NewTicker(reportEvery)
	defer clock.Stop()
	reported := false
	for {
		acked, counts, s := c.Dispatcher.AckedEpoch(), c.Dispatcher.Counts(), c.Engine.Stats()
		c.Session.Update(func(r *hachiv1.RouterRecord) {
			r.AckedEpoch, r.RowsSent, r.Load = uint64(acked), counts, uint32(s.Waiting+s.Running)
		})
		now := time.Now()
		ready.observe(now, look(c, s))
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
func look(c Config, s engine.Stats) observation {
	o := observation{abandoned: s.Abandoned, committed: s.Steps, idle: s.Waiting+s.Running == 0}
	if p := c.Dispatcher.Placement(); p != nil {
		o.epoch = p.Epoch()
	}
	return o
}
