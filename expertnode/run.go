package expertnode

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/hachi-serve/hachi/internal/episode"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

const (
	reportEvery = time.Second
	// drainWithin bounds how long a node that was asked to stop waits for its
	// experts to be served elsewhere.
	drainWithin = 20 * time.Second
	// blindReports is how many reports in a row cannot be written when a node that
	// leaves waits no longer: no process hears that it leaves.
	blindReports = 3
)

// Join makes the node a member of its cluster.
type Join func(ctx context.Context) (Session, Watches, error)

// Joined is for a node that is a member already.
func Joined(s Session, w Watches) Join {
	return func(context.Context) (Session, Watches, error) { return s, w, nil }
}

// Run computes calls and joins the cluster, while it loads what the node was given
// last. Then it follows the target until ctx ends, and until the placement no longer
// needs this node or drainWithin has passed.
func (n *Node) Run(ctx context.Context, join Join) error {
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	batching := make(chan struct{})
	go func() { defer close(batching); n.batcher.Run(work) }()
	defer func() { stop(); <-batching }()
	recall, end := context.WithCancel(ctx)
	recalled := make(chan struct{})
	go func() { defer close(recalled); n.recall(recall) }()
	session, watches, err := join(ctx)
	end()
	<-recalled
	if err != nil {
		return err
	}
	n.session = session
	n.setResident(n.resident()) // what was recalled
	l := &loop{n: n, watches: watches, moved: make(chan move), failed: failures{},
		faults:  episode.New(n.cfg.Logger, slog.LevelError, "failed to load expert", "expert is loaded again", "expert", episode.State),
		forgets: episode.New(n.cfg.Logger, slog.LevelWarn, "the state directory cannot be written", "the state directory is written again", "directory", episode.State)}
	defer l.join()
	l.follow(ctx)
	session.Update(func(r *hachiv1.NodeRecord) { r.Draining = true })
	drain, cancel := context.WithTimeout(work, drainWithin)
	defer cancel()
	l.leaving = true
	l.follow(drain)
	return session.Close(context.WithoutCancel(ctx))
}

// loop is the state of Run's goroutine. Experts are loaded and unloaded one at
// a time, each in a goroutine of its own, so that a slow disk holds up neither
// news nor reports.
type loop struct {
	n       *Node
	watches Watches
	view    view
	listed  bool // a target has named the node, if only to give it nothing
	leaving bool
	moving  context.CancelFunc // of the load or unload under way; nil if none
	moved   chan move
	failed  failures
	faults  *episode.Log
	watch   watchdog
	blind   int // reports in a row that could not be written, while leaving

	last       moe.Shard // that was remembered
	remembered bool
	forgets    *episode.Log

	nodes    int // of the placement
	nextLoad time.Time
	loadRate float64 // bytes of experts loaded per second, lately
}

// move is the end of a load or unload.
type move struct {
	id   moe.ExpertID
	load bool
	err  error
	took time.Duration
}

// follow hears news and acts on them. It returns when ctx ends or, when
// leaving, when the node is dispensable.
func (l *loop) follow(ctx context.Context) {
	report := time.NewTicker(reportEvery)
	defer report.Stop()
	for ctx.Err() == nil && !(l.leaving && (l.view.dispensable(l.n.cfg.ID) || l.blind >= blindReports)) {
		l.prepare()
		l.act(ctx)
		select {
		case t, ok := <-l.watches.Target:
			if !ok {
				return
			}
			l.aim(t)
		case p, ok := <-l.watches.Placement:
			if !ok {
				return
			}
			l.adopt(p)
		case r, ok := <-l.watches.Routers:
			if !ok {
				return
			}
			l.view.routers, l.view.routersSeen = routersOf(r, l.n.cfg.Fingerprint), true
		case m := <-l.moved:
			l.settle(m)
		case <-report.C:
			l.report(time.Now())
			l.look()
		case <-ctx.Done():
		}
	}
}

// look counts the reports that a node that leaves could not write.
func (l *loop) look() {
	if !l.leaving || !l.n.session.Lost() {
		l.blind = 0
		return
	}
	l.blind++
}

// aim adopts a new target and reports its epoch. From then on the node unloads no
// expert that the target lists.
func (l *loop) aim(t moe.Target) {
	_, listed := t.Shards[l.n.cfg.ID]
	l.view.target, l.view.targetKnown, l.listed = t, true, l.listed || listed
	l.n.session.Update(func(r *hachiv1.NodeRecord) { r.TargetEpoch = uint64(t.Epoch) })
	l.failed.keep(t.Shards[l.n.cfg.ID])
	l.reportFailures()
	l.remember(t.Shards[l.n.cfg.ID])
}

// routersOf lists the routers that serve a model. Routers of another model never
// call this node, and never ack a placement of this model.
func routersOf(routers []*hachiv1.RouterRecord, fp moe.Fingerprint) []*hachiv1.RouterRecord {
	return slices.DeleteFunc(slices.Clone(routers), func(r *hachiv1.RouterRecord) bool {
		return moe.Fingerprint(r.GetFingerprint()) != fp
	})
}

func (l *loop) adopt(p *moe.Placement) {
	l.view.placement, l.nodes = p, len(p.Nodes())
	l.n.adopt(p)
	l.n.session.Update(func(r *hachiv1.NodeRecord) { r.Epoch = uint64(p.Epoch()) })
}

// act starts the next unload or load, unless one is under way. An expert that
// leaves is taken off the record first: no record names an expert that is being
// unloaded.
func (l *loop) act(ctx context.Context) {
	if l.moving != nil {
		return
	}
	resident := l.n.resident()
	if ids := l.view.toUnload(l.n.cfg.ID, resident); len(ids) > 0 {
		l.n.setResident(resident.Minus(ids[:1]))
		l.move(ctx, ids[0], false, func(context.Context) error { return l.n.cfg.Loader.Unload(ids[0]) })
		return
	}
	var ahead []moe.ExpertID
	if id, ok := l.next(l.view.toLoad(l.n.cfg.ID, resident)); ok {
		ahead = l.ahead(id, resident)
		l.move(ctx, id, true, func(ctx context.Context) error { return l.n.load(ctx, id, len(resident)) })
	}
	l.n.cfg.Loader.Prefetch(ahead)
}

// next picks the expert to load. A node that leaves loads none.
func (l *loop) next(ids moe.Shard) (moe.ExpertID, bool) {
	if l.leaving {
		return moe.ExpertID{}, false
	}
	return l.failed.next(ids, time.Now())
}

// ahead is what is fetched while an expert is loaded: its own weights, and those of the
// one after it, if there is room.
func (l *loop) ahead(id moe.ExpertID, resident moe.Shard) []moe.ExpertID {
	if !l.n.fits(len(resident) + 1) {
		return nil
	}
	ids := []moe.ExpertID{id}
	with := moe.NewShard(append(slices.Clone(resident), id))
	if after, ok := l.next(l.view.toLoad(l.n.cfg.ID, with)); ok && l.n.fits(len(with)+1) {
		ids = append(ids, after)
	}
	return ids
}

// move runs do in the background; its end is settled by follow.
func (l *loop) move(ctx context.Context, id moe.ExpertID, load bool, do func(context.Context) error) {
	ctx, l.moving = context.WithCancel(ctx)
	started := time.Now()
	go func() {
		err := do(ctx)
		l.moved <- move{id, load, err, time.Since(started)}
	}()
}

// settle records the end of a move. A node that leaves does not count an expert
// that it did not load as a failure.
func (l *loop) settle(m move) {
	l.moving()
	l.moving = nil
	switch {
	case m.err != nil && l.leaving:
	case m.err != nil && m.load:
		l.faults.Failed(m.id.String(), "err", m.err)
		l.failed.add(m.id, m.err, time.Now())
		l.failed.keep(l.view.target.Shards[l.n.cfg.ID])
	case m.err != nil:
		l.n.cfg.Logger.Error("failed to unload expert", "expert", m.id, "err", m.err)
	case m.load:
		l.faults.Worked(m.id.String())
		delete(l.failed, m.id)
		l.loaded(m.took)
		l.n.setResident(moe.NewShard(append(slices.Clone(l.n.resident()), m.id)))
	}
	l.reportFailures()
}

// loaded smooths how fast experts are loaded.
func (l *loop) loaded(took time.Duration) {
	rate := float64(l.n.cfg.ExpertBytes) / max(took.Seconds(), 1e-6)
	if l.loadRate == 0 {
		l.loadRate = rate
	}
	l.loadRate += (rate - l.loadRate) / 8
}

// join ends the move under way, if any.
func (l *loop) join() {
	if l.moving != nil {
		l.moving()
		<-l.moved
	}
}

func (l *loop) reportFailures() {
	text := l.failed.String()
	l.n.session.Update(func(r *hachiv1.NodeRecord) { r.LoadError = text })
}

// report publishes the load and gives up the lease of a node that does not
// move.
func (l *loop) report(now time.Time) {
	if !now.Before(l.nextLoad) {
		l.nextLoad = now.Add(LoadEvery(l.nodes))
		measured := Measured{l.n.rowsServed(), l.n.batcher.Speed(), l.loadRate}
		l.n.session.Update(func(r *hachiv1.NodeRecord) {
			r.FetchedBytes = l.n.fetched()
			measured.Record(r)
		})
	}
	l.n.session.Hold(l.watch.stuck(time.Now(), l.n.batcher.Progress()))
}
