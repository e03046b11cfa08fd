package router

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/hachi-serve/hachi/internal/api/server"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// Run serves until ctx ends, then lets running answers finish for a while. When it
// returns, the listeners and the sessions are closed and every goroutine has ended,
// also after an error.
func Run(ctx context.Context, c Config) error {
	if err := c.validate(); err != nil {
		return errors.Join(err, c.close(context.WithoutCancel(ctx)))
	}
	c.Config = c.WithDefaults()
	ready := &readiness{}
	s := server.New(c.Config, func() bool { return ready.ok(time.Now()) })

	// The engine works on while answers finish, and placements are followed
	// while it works.
	work, stopWork := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWork()
	watch, stopWatch := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWatch()
	var all sync.WaitGroup
	failed := make(chan error, 3)
	engineDone := make(chan struct{})
	all.Go(func() {
		defer close(engineDone)
		failed <- c.Engine.Run(work)
	})
	all.Go(func() { follow(watch, c, ready, s.SetReady) })
	all.Go(func() { failed <- s.ServeHTTP() })
	all.Go(func() { failed <- s.ServeGRPC() })
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	stopWatch()
	c.Session.Update(func(r *hachiv1.RouterRecord) { r.Draining = true })
	err = errors.Join(err, s.Stop(func() {
		stopWork()
		<-engineDone
	}))
	all.Wait()
	return errors.Join(err, c.leave(context.WithoutCancel(ctx)))
}
