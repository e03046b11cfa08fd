package router

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"

	"github.com/hachi-serve/hachi/internal/api"
	"github.com/hachi-serve/hachi/internal/api/grpcapi"
	"github.com/hachi-serve/hachi/internal/api/httpapi"
	"github.com/hachi-serve/hachi/internal/transport/grpcserver"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// server is the listening half of a router.
type server struct {
	web    *http.Server
	rpc    *grpc.Server
	health *health.Server
}

// newServer makes the HTTP and gRPC servers over one configuration.
func newServer(c Config, ready func() bool) *server {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	if c.TLS == nil {
		protocols.SetUnencryptedHTTP2(true) // with prior knowledge, on the same port
	} else {
		protocols.SetHTTP2(true)
	}
	s := &server{
		web: &http.Server{
			Protocols: protocols, TLSConfig: c.TLS, ConnContext: httpapi.ConnContext,
			Handler: api.Handler(c.API, ready), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute,
			ErrorLog: slog.NewLogLogger(c.Logger.Handler(), slog.LevelDebug),
		},
		rpc: grpcserver.New(c.Logger, slices.Concat(grpcapi.ServerOptions(), c.ServerOptions, grpcapi.Guard(c.API.Gate))...), health: health.NewServer(),
	}
	hachiv1.RegisterInferenceServiceServer(s.rpc, grpcapi.New(c.API.Service))
	grpc_health_v1.RegisterHealthServer(s.rpc, s.health)
	s.setReady(false)
	return s
}

// serveHTTP serves HTTP, with TLS if there is a configuration of it.
func (s *server) serveHTTP(l net.Listener) error {
	if s.web.TLSConfig == nil {
		return s.web.Serve(httpapi.Listener(l))
	}
	return s.web.ServeTLS(l, "", "")
}

// setReady reports to gRPC's health clients what /readyz reports to others.
func (s *server) setReady(ok bool) {
	status := grpc_health_v1.HealthCheckResponse_NOT_SERVING
	if ok {
		status = grpc_health_v1.HealthCheckResponse_SERVING
	}
	s.health.SetServingStatus("", status)
	s.health.SetServingStatus(hachiv1.InferenceService_ServiceDesc.ServiceName, status)
}

// Run serves until ctx ends, then lets running answers finish for a while. When it
// returns, the listeners and the session are closed and every goroutine has ended,
// also after an error.
func Run(ctx context.Context, c Config) error {
	if err := c.validate(); err != nil {
		return errors.Join(err, c.close(context.WithoutCancel(ctx)))
	}
	c = c.withDefaults()
	ready := &readiness{}
	s := newServer(c, func() bool { return ready.ok(time.Now()) })

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
	all.Go(func() { follow(watch, c, ready, s.setReady) })
	all.Go(func() { failed <- s.serveHTTP(c.HTTP) })
	all.Go(func() { failed <- s.rpc.Serve(c.GRPC) })
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	stopWatch()
	err = errors.Join(err, s.stop(c.Grace, stopWork, engineDone))
	all.Wait()
	return errors.Join(err, c.Session.Close(context.WithoutCancel(ctx)))
}

// stop lets running answers finish within the grace. Then the engine ends the
// others with an error that their clients read; only a client that does not read
// is cut off.
func (s *server) stop(grace time.Duration, stopEngine func(), engineDone <-chan struct{}) error {
	s.health.Shutdown()
	calls := make(chan struct{})
	go func() {
		defer close(calls)
		s.rpc.GracefulStop()
	}()
	finished := s.wait(grace, calls)
	stopEngine()
	<-engineDone
	if !finished {
		s.wait(errorsWithin, calls)
	}
	s.rpc.Stop()
	<-calls
	return s.web.Close()
}

// wait takes no new requests and waits for the running ones. It may be called
// again.
func (s *server) wait(within time.Duration, calls <-chan struct{}) bool {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	if s.web.Shutdown(ctx) != nil {
		return false
	}
	select {
	case <-calls:
		return true
	case <-ctx.Done():
		return false
	}
}
