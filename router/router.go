package router

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"google.golang.org/grpc"

	"github.com/hachi-serve/hachi/cluster/registry"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
	"github.com/hachi-serve/hachi/router/dispatch"
	"github.com/hachi-serve/hachi/router/engine"
	"github.com/hachi-serve/hachi/router/openai"
)

// Config joins the pieces of a router.
type Config struct {
	Engine     *engine.Engine
	Dispatcher *dispatch.Dispatcher
	API        openai.Config // Ready, Metrics and Observe are set by Run
	Layers     int
	Experts    int
	Session    *registry.RouterSession
	Placements <-chan *moe.Placement
	HTTP, GRPC net.Listener
	Logger     *slog.Logger
}

const (
	reportEvery = 200 * time.Millisecond
	// stopWithin bounds how long running answers may take at a graceful stop.
	stopWithin = 8 * time.Second
)

// Run serves until ctx ends, then lets running answers finish for a while.
func Run(ctx context.Context, c Config) error {
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	ready := &readiness{}
	m := newMetrics(c)
	c.API.Ready = ready.ok
	c.API.Metrics, c.API.Observe = m.handler(), m.observe()
	web := &http.Server{Handler: openai.Handler(c.API), ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(c.Logger.Handler(), slog.LevelDebug)}
	rpc := grpc.NewServer()
	hachiv1.RegisterInferenceServiceServer(rpc, &inference{api: c.API})
	var all sync.WaitGroup
	failed := make(chan error, 2)
	all.Go(func() { _ = c.Engine.Run(work) })
	all.Go(func() { follow(work, c, ready) })
	all.Go(func() { failed <- web.Serve(c.HTTP) })
	all.Go(func() { failed <- rpc.Serve(c.GRPC) })
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	grace, cancel := context.WithTimeout(work, stopWithin)
	defer cancel()
	// Shutdown waits for running answers; Close cuts what is left.
	shutdown := web.Shutdown(grace)
	stop()
	if shutdown != nil {
		time.Sleep(100 * time.Millisecond) // the engine's last events go out
	}
	closed := web.Close()
	rpc.Stop()
	all.Wait()
	return errors.Join(err, closed, c.Session.Close(context.WithoutCancel(ctx)))
}

// follow adopts placements, reports acks and counts, and watches readiness.
func follow(ctx context.Context, c Config, ready *readiness) {
	clock := time.NewTicker(reportEvery)
	defer clock.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case p, ok := <-c.Placements:
			if ok && c.Dispatcher.Adopt(p) {
				c.Logger.Info("placement adopted", "epoch", p.Epoch())
			}
		case <-clock.C:
		}
		acked, counts := c.Dispatcher.AckedEpoch(), c.Dispatcher.Counts()
		c.Session.Update(func(r *hachiv1.RouterRecord) { r.AckedEpoch, r.RowsSent = uint64(acked), counts })
		s := c.Engine.Stats()
		ready.observe(time.Now(), c.Dispatcher.Placement() != nil, s.Abandoned)
	}
}

// readiness is whether the router should be sent requests.
type readiness struct {
	mu        sync.Mutex // guards the fields below
	placed    bool
	abandoned uint64
	since     time.Time // when steps began to be abandoned without pause
	last      time.Time // when one was last abandoned
}

const (
	unservedFor = 30 * time.Second
	recovered   = time.Second
)

// observe takes the count of steps abandoned for want of a replica.
func (r *readiness) observe(now time.Time, placed bool, abandoned uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.placed = r.placed || placed
	if abandoned != r.abandoned {
		if r.since.IsZero() {
			r.since = now
		}
		r.abandoned, r.last = abandoned, now
	}
	if now.Sub(r.last) > recovered {
		r.since = time.Time{}
	}
}

func (r *readiness) ok() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.placed && (r.since.IsZero() || r.last.Sub(r.since) < unservedFor)
}
