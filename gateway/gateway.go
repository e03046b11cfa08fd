package gateway

import (
	"context"
	"errors"

	"github.com/hachi-serve/hachi/internal/api/server"
)

// Run serves until ctx ends, then lets running answers finish for a while. When it
// returns, the listeners and the session are closed and every goroutine has ended,
// also after an error.
func Run(ctx context.Context, c Config) error {
	if err := c.validate(); err != nil {
		return errors.Join(err, c.close(context.WithoutCancel(ctx)))
	}
	c.Config = c.WithDefaults()
	s := server.New(c.Config, c.Routers.Ready)
	watch, stopWatch := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWatch()
	err := s.Run(ctx, server.Life{
		Work: []func() error{func() error { return follow(watch, c, s.SetReady) }},
		End:  c.Engine.Stop,
		// Routers are followed until the answers have ended: they may have to move.
		Ended: stopWatch,
	})
	return errors.Join(err, c.Session.Close(context.WithoutCancel(ctx)))
}

// follow takes the records of routers, until ctx ends or the gateway can serve none of
// them.
func follow(ctx context.Context, c Config, report func(ready bool)) error {
	reported := false
	var patience Patience
	for {
		others := c.Routers.Others()
		if ready := c.Routers.Ready(); ready != reported {
			reported = ready
			report(ready)
			c.Logger.Info("readiness changed", "ready", ready)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-patience.Ends(others):
			return others
		case records, ok := <-c.Records:
			if !ok {
				c.Records = nil
				continue
			}
			c.Routers.Update(records)
		}
	}
}
