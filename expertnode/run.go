package expertnode

import (
	"context"
	"time"

	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

const (
	reportEvery = time.Second
	retryLoad   = 5 * time.Second
	// drainWithin bounds how long a node that was asked to stop waits for its
	// experts to be served elsewhere.
	drainWithin = 20 * time.Second
)

// Run follows the target until ctx ends, and then until the placement no
// longer needs this node or drainWithin has passed.
func (n *Node) Run(ctx context.Context, session Session, feeds Feeds) error {
	n.session = session
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	batching := make(chan struct{})
	go func() { defer close(batching); n.batcher.Run(work) }()
	defer func() { stop(); <-batching }()
	l := &loop{n: n, feeds: feeds}
	l.follow(ctx)
	session.Update(func(r *hachiv1.NodeRecord) { r.Draining = true })
	drain, cancel := context.WithTimeout(work, drainWithin)
	defer cancel()
	l.leaving = true
	l.follow(drain)
	return session.Close(context.WithoutCancel(ctx))
}

// loop is the state of Run's goroutine.
type loop struct {
	n       *Node
	feeds   Feeds
	view    view
	leaving bool
	failed  time.Time // of the last failed load
	watch   watchdog
}

// follow loads and unloads, one expert at a time, hearing news in between. It
// returns when ctx ends or, when leaving, when the node is dispensable.
func (l *loop) follow(ctx context.Context) {
	report := time.NewTicker(reportEvery)
	defer report.Stop()
	busy := make(chan struct{})
	close(busy)
	for ctx.Err() == nil && !(l.leaving && l.view.dispensable(l.n.cfg.ID)) {
		// With work to do, news is only looked at; else it is waited for.
		work := busy
		if !l.pending() {
			work = nil
		}
		select {
		case t, ok := <-l.feeds.Target:
			if !ok {
				return
			}
			l.view.target, l.view.targetKnown = t, true
			continue
		case p, ok := <-l.feeds.Placement:
			if !ok {
				return
			}
			l.adopt(p)
			continue
		case r, ok := <-l.feeds.Routers:
			if !ok {
				return
			}
			l.view.routers, l.view.routersSeen = r, true
			continue
		case <-report.C:
			l.report()
			continue
		case <-ctx.Done():
			return
		case <-work:
		}
		l.act(ctx)
	}
}

func (l *loop) adopt(p *moe.Placement) {
	l.view.placement = p
	l.n.adopt(p)
	l.n.session.Update(func(r *hachiv1.NodeRecord) { r.Epoch = uint64(p.Epoch()) })
}

// pending reports whether there is something to load or unload now.
func (l *loop) pending() bool {
	resident := l.n.resident()
	if len(l.view.toUnload(l.n.cfg.ID, resident)) > 0 {
		return true
	}
	return len(l.view.toLoad(l.n.cfg.ID, resident)) > 0 && time.Since(l.failed) > retryLoad
}

// act does one thing.
func (l *loop) act(ctx context.Context) {
	resident := l.n.resident()
	if ids := l.view.toUnload(l.n.cfg.ID, resident); len(ids) > 0 {
		l.n.unload(ids[0])
		return
	}
	ids := l.view.toLoad(l.n.cfg.ID, resident)
	if len(ids) == 0 || time.Since(l.failed) <= retryLoad {
		return
	}
	if err := l.n.load(ctx, ids[0]); err != nil {
		l.failed = time.Now()
		l.n.cfg.Logger.Error("load failed", "expert", ids[0], "err", err)
		l.n.session.Update(func(r *hachiv1.NodeRecord) { r.LoadError = err.Error() })
		return
	}
	if !l.failed.IsZero() {
		l.failed = time.Time{}
		l.n.session.Update(func(r *hachiv1.NodeRecord) { r.LoadError = "" })
	}
}

// report publishes the load and gives up the lease of a node that does not
// move.
func (l *loop) report() {
	served := l.n.rowsServed()
	l.n.session.Update(func(r *hachiv1.NodeRecord) { r.RowsServed = served })
	computed, waiting := l.n.batcher.Progress()
	l.n.session.Hold(l.watch.stuck(time.Now(), computed, waiting))
}

// watchdog notices a queue that does not move.
type watchdog struct {
	computed uint64
	since    time.Time
}

func (w *watchdog) stuck(now time.Time, computed uint64, waiting int) bool {
	if waiting == 0 || computed != w.computed || w.since.IsZero() {
		w.computed, w.since = computed, now
		return false
	}
	return now.Sub(w.since) > stalled
}
