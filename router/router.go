package router

import (
	"context"
	"errors"
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
	engineDone := make(chan struct{})
	err := s.Run(ctx, server.Life{
		Work: []func() error{
			func() error {
				defer close(engineDone)
				return c.Engine.Run(work)
			},
			func() error {
				follow(watch, c, ready, s.SetReady)
				return nil
			},
		},
		Leave: func() {
			stopWatch()
			c.Session.Update(func(r *hachiv1.RouterRecord) { r.Draining = true })
		},
		End: func() {
			stopWork()
			<-engineDone
		},
	})
	return errors.Join(err, c.leave(context.WithoutCancel(ctx)))
}
