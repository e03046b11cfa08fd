package server

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
	"github.com/hachi-serve/hachi/internal/transport/peers"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// Server is the listening half of a process that clients call.
type Server struct {
	http, grpc net.Listener
	grace      time.Duration
	web        *http.Server
	rpc        *grpc.Server
	health     *health.Server
}

// New makes the HTTP and gRPC servers over one configuration with its defaults. ready
// reports whether requests should be sent here.
func New(c Config, ready func() bool) *Server {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	if c.TLS == nil {
		protocols.SetUnencryptedHTTP2(true) // with prior knowledge, on the same port
	} else {
		protocols.SetHTTP2(true)
	}
	web := api.Handler(c.API, ready)
	if c.Wrap != nil {
		web = c.Wrap(web)
	}
	s := &Server{
		http: c.HTTP, grpc: c.GRPC, grace: c.Grace,
		web: &http.Server{
			Protocols: protocols, TLSConfig: c.TLS, ConnContext: httpapi.ConnContext,
			Handler: web, ReadHeaderTimeout: 10 * time.Second, MaxHeaderBytes: httpapi.MaxHeader, IdleTimeout: 2 * time.Minute,
			ErrorLog: slog.NewLogLogger(c.Logger.Handler(), slog.LevelDebug),
		},
		rpc: grpcserver.New(c.Logger, slices.Concat(grpcapi.ServerOptions(), c.ServerOptions, grpcapi.Guard(c.API.Gate))...), health: health.NewServer(),
	}
	hachiv1.RegisterInferenceServiceServer(s.rpc, grpcapi.New(c.API.Service))
	grpc_health_v1.RegisterHealthServer(s.rpc, s.health)
	if c.Register != nil {
		c.Register(s.rpc)
	}
	s.SetReady(false)
	return s
}

// Services are the gRPC services, by name.
func (s *Server) Services() map[string]grpc.ServiceInfo { return s.rpc.GetServiceInfo() }

// Life is what a process does beside serving.
type Life struct {
	// Work runs until the process ends; what returns before ends the process.
	Work []func() error
	// Leave begins a stop: the process says that it takes no new requests. May be nil.
	Leave func()
	// End ends the answers that the grace was too short for, with an error.
	End func()
	// Ended is called when no client is served any more, and ends the work that has not
	// ended by then. May be nil.
	Ended func()
}

// Run serves until ctx ends or a part of the process fails, then lets running answers
// finish for a while. When it returns, the listeners are closed and every goroutine has
// ended, also after an error.
func (s *Server) Run(ctx context.Context, l Life) error {
	parts := slices.Concat(l.Work, []func() error{s.serveHTTP, s.serveGRPC})
	failed := make(chan error, len(parts))
	var all sync.WaitGroup
	for _, part := range parts {
		all.Go(func() { failed <- part() })
	}
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	if l.Leave != nil {
		l.Leave()
	}
	err = errors.Join(err, s.stop(l.End))
	if l.Ended != nil {
		l.Ended()
	}
	all.Wait()
	return err
}

// serveHTTP serves HTTP, with TLS if there is a configuration of it, until stop.
func (s *Server) serveHTTP() error {
	if s.web.TLSConfig == nil {
		return s.web.Serve(httpapi.Listener(s.http))
	}
	return s.web.ServeTLS(s.http, "", "")
}

// serveGRPC serves gRPC until stop.
func (s *Server) serveGRPC() error { return s.rpc.Serve(s.grpc) }

// SetReady reports to gRPC's health clients what /readyz reports to others.
func (s *Server) SetReady(ok bool) {
	status := grpc_health_v1.HealthCheckResponse_NOT_SERVING
	if ok {
		status = grpc_health_v1.HealthCheckResponse_SERVING
	}
	s.health.SetServingStatus("", status)
	s.health.SetServingStatus(hachiv1.InferenceService_ServiceDesc.ServiceName, status)
}

// stop lets running answers finish within the grace. Then end ends the others with
// an error that their clients read, and returns; only a client that does not read is
// cut off.
func (s *Server) stop(end func()) error {
	s.health.Shutdown()
	peers.Drain(s.http)
	peers.Drain(s.grpc)
	calls := make(chan struct{})
	go func() {
		defer close(calls)
		s.rpc.GracefulStop()
	}()
	finished := s.wait(s.grace, calls)
	end()
	if !finished {
		s.wait(errorsWithin, calls)
	}
	s.rpc.Stop()
	<-calls
	return s.web.Close()
}

// wait takes no new requests and waits for the running ones. It may be called
// again.
func (s *Server) wait(within time.Duration, calls <-chan struct{}) bool {
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
