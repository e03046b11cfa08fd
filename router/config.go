package router

import (
	"context"
	"log/slog"
	"net"
	"time"

	"github.com/hachi-serve/hachi/internal/api/openai"
	"github.com/hachi-serve/hachi/internal/router/dispatch"
	"github.com/hachi-serve/hachi/internal/router/engine"
	"github.com/hachi-serve/hachi/internal/router/pipeline"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// Engine runs requests: engine.Engine.
type Engine interface {
	// Run serves until ctx ends; then every unfinished request ends with
	// engine.ErrStopped.
	Run(ctx context.Context) error
	Stats() engine.Stats
	// RetryAfter is when a request that found the queue full may try again.
	RetryAfter() time.Duration
}

// Dispatcher follows placements: dispatch.Dispatcher.
type Dispatcher interface {
	Adopt(p *moe.Placement) bool
	Placement() *moe.Placement
	AckedEpoch() moe.Epoch
	Counts() []uint64 // rows sent, [layer*experts+expert]
	Stats() dispatch.Stats
	Nodes() []dispatch.NodeStats
}

// Session keeps the router's record: registry.RouterSession.
type Session interface {
	Update(change func(*hachiv1.RouterRecord))
	Close(ctx context.Context) error
}

// Config joins the pieces of a router.
type Config struct {
	Engine     Engine
	Dispatcher Dispatcher
	Topology   moe.Topology  // of the model
	API        openai.Config // Ready, RetryAfter, Metrics and Done are set by Run
	Session    Session
	Placements <-chan *moe.Placement
	HTTP, GRPC net.Listener
	Metrics    *Metrics // nil makes its own
	// Overlap tells how the last step was split into micro-batches; nil when
	// steps never are.
	Overlap func() pipeline.Decision
	// Grace bounds how long running answers may take at a graceful stop; 0 is
	// 8 s.
	Grace  time.Duration
	Logger *slog.Logger
}

const (
	reportEvery = 200 * time.Millisecond
	grace       = 8 * time.Second
	// lastWords bounds how long answers may take to tell their clients that the
	// server stops.
	lastWords = 2 * time.Second
)
