package router

import (
	"context"
	"log/slog"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/hachi-serve/hachi/internal/episode"
	"github.com/hachi-serve/hachi/internal/router/engine"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// follow adopts placements, reports acks and counts, and watches readiness.
func follow(ctx context.Context, c Config, ready *readiness, report func(bool)) {
	clock := time.NewTicker(ReportEvery)
	defer clock.Stop()
	reported := false
	wait := newWait(c.Logger)
	var sent loadReport
	var recorded recordedLoad
	for {
		acked, s, now := c.Dispatcher.AckedEpoch(), c.Engine.Stats(), time.Now()
		load := recorded.observe(uint32(s.Waiting+s.Running), now)
		c.Session.Update(func(r *hachiv1.RouterRecord) { r.AckedEpoch, r.Load = uint64(acked), load })
		sent.report(c.Load, c.Dispatcher.Counts, s.Steps, now)
		ready.observe(now, look(c, s))
		wait.Observe(now, acked == 0, whyNoPlacement)
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

// recordedLoad is how many requests the router's record says that it has. Every node,
// gateway and coordinator gets each change of the record.
type recordedLoad struct {
	load uint32
	next time.Time // when it may change again
	due  time.Time // when it must say what is true
}

const (
	// recordEvery bounds how often the record is written because of its load.
	recordEvery = time.Second
	// recordWithin is how long a small difference may stay: one that is less than a
	// quarter of the load changes no choice of a gateway.
	recordWithin = 10 * time.Second
)

// observe returns the load that the record should have.
func (r *recordedLoad) observe(load uint32, now time.Time) uint32 {
	large := 4*(max(load, r.load)-min(load, r.load)) >= max(load, r.load)
	if load != r.load && !now.Before(r.next) && (large || !now.Before(r.due)) {
		r.load, r.next, r.due = load, now.Add(recordEvery), now.Add(recordWithin)
	}
	return r.load
}

// newWait logs the wait of a router for its first placement.
func newWait(logger *slog.Logger) *episode.Wait {
	return episode.NewWait(logger, slog.LevelWarn, "waiting for a placement", "a placement has come")
}

func whyNoPlacement() string {
	return "the coordinator has published none for this model and these numerics flags; hachi doctor says why"
}

// loadBytesPerSecond bounds what a router writes of the rows it has sent, however
// many experts the model has. 256 experts are written once a second, 6144 once in
// 9 s: soon enough for a window of a minute.
const loadBytesPerSecond = 2 << 10

// loadReport says when a router last wrote what it has sent, and when it may again.
type loadReport struct{ next time.Time }

// report writes what the router has sent, at most once a second and within
// loadBytesPerSecond.
func (l *loadReport) report(to interface {
	Update(func(*hachiv1.RouterLoad))
}, counts func() []uint64, steps uint64, now time.Time) {
	if now.Before(l.next) {
		return
	}
	size := 0
	to.Update(func(r *hachiv1.RouterLoad) {
		r.RowsSent, r.Steps = counts(), steps
		size = proto.Size(r)
	})
	l.next = now.Add(LoadEvery(size))
}

// LoadEvery is the time after a record of what a router has sent, of a size in bytes,
// until the next.
func LoadEvery(size int) time.Duration {
	return max(time.Second, time.Duration(size)*time.Second/loadBytesPerSecond)
}

// look gathers what readiness depends on.
func look(c Config, s engine.Stats) observation {
	o := observation{abandoned: s.Abandoned, committed: s.Steps, idle: s.Waiting+s.Running == 0}
	if p := c.Dispatcher.Placement(); p != nil {
		o.epoch = p.Epoch()
	}
	return o
}
