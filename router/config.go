package router

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hachi-serve/hachi/internal/api/server"
	"github.com/hachi-serve/hachi/internal/router/engine"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// Engine runs requests: engine.Engine.
type Engine interface {
	// Run serves until ctx ends; then every unfinished request ends with
	// engine.ErrStopped.
	Run(ctx context.Context) error
	Stats() engine.Stats
}

// Dispatcher follows placements: dispatch.Dispatcher.
type Dispatcher interface {
	Adopt(p *moe.Placement) bool
	Placement() *moe.Placement
	AckedEpoch() moe.Epoch
	Counts() []uint64 // rows sent, by Topology.Index
}

// Session keeps the router's record: registry.RouterSession.
type Session interface {
	Update(change func(*hachiv1.RouterRecord))
	Close(ctx context.Context) error
}

// LoadSession keeps what the router has sent: registry.LoadSession.
type LoadSession interface {
	Update(change func(*hachiv1.RouterLoad))
	Close(ctx context.Context) error
}

// Config joins the pieces of a router. Run owns the listeners and the sessions.
type Config struct {
	server.Config
	Engine     Engine
	Dispatcher Dispatcher
	Session    Session
	Load       LoadSession
	Placements <-chan *moe.Placement
}

// ReportEvery is the time between two looks at what a router reports.
const ReportEvery = 200 * time.Millisecond

// validate names every piece that is missing.
func (c Config) validate() error {
	var m server.Missing
	m.Need(c.Engine != nil, "Engine")
	m.Need(c.Dispatcher != nil, "Dispatcher")
	m.Need(c.Session != nil, "Session")
	m.Need(c.Load != nil, "Load")
	c.Check(&m)
	if len(m) == 0 {
		return nil
	}
	return fmt.Errorf("router: %w", errors.Join(m...))
}

// close gives the listeners and the sessions up before anything serves on them.
func (c Config) close(ctx context.Context) error { return errors.Join(c.Config.Close(), c.leave(ctx)) }

// leave takes the records of the router away.
func (c Config) leave(ctx context.Context) (err error) {
	if c.Load != nil {
		err = c.Load.Close(ctx)
	}
	if c.Session != nil {
		err = errors.Join(err, c.Session.Close(ctx))
	}
	return err
}
