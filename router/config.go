package router

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"google.golang.org/grpc"

	"github.com/hachi-serve/hachi/internal/api"
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

// Config joins the pieces of a router. Run owns the listeners and the session.
type Config struct {
	Engine     Engine
	Dispatcher Dispatcher
	API        api.Config // its Service also answers gRPC
	Session    Session
	Placements <-chan *moe.Placement
	HTTP, GRPC net.Listener
	TLS        *tls.Config // of HTTP; nil is plaintext
	// ServerOptions are those of the gRPC server: its certificate, and whom it lets
	// in before the API keys decide.
	ServerOptions []grpc.ServerOption
	// Grace bounds how long running answers may take at a graceful stop; 0 is
	// 8 s.
	Grace  time.Duration
	Logger *slog.Logger // nil is silent
}

const (
	reportEvery = 200 * time.Millisecond
	grace       = 8 * time.Second
	// errorsWithin bounds how long answers that the stop ends may take to send
	// their errors.
	errorsWithin = 2 * time.Second
)

// validate names every piece that is missing.
func (c Config) validate() error {
	var faults []error
	need := func(ok bool, field string) {
		if !ok {
			faults = append(faults, fmt.Errorf("router: %s is missing", field))
		}
	}
	need(c.Engine != nil, "Engine")
	need(c.Dispatcher != nil, "Dispatcher")
	need(c.API.Completer != nil, "API.Completer")
	need(c.API.Template != nil, "API.Template")
	need(c.API.Deadline > 0, "API.Deadline")
	need(c.Session != nil, "Session")
	need(c.HTTP != nil, "HTTP")
	need(c.GRPC != nil, "GRPC")
	return errors.Join(faults...)
}

// withDefaults fills what may be left out.
func (c Config) withDefaults() Config {
	if c.Grace == 0 {
		c.Grace = grace
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// close gives the listeners and the session up before anything serves on them.
func (c Config) close(ctx context.Context) error {
	var all []error
	for _, l := range []net.Listener{c.HTTP, c.GRPC} {
		if l != nil {
			all = append(all, l.Close())
		}
	}
	if c.Session != nil {
		all = append(all, c.Session.Close(ctx))
	}
	return errors.Join(all...)
}
