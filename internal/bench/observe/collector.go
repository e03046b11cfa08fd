package observe

import (
	"context"
	"fmt"
	"net"
	"sync/atomic"

	tracev1 "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/grpc"
)

// collector takes spans and counts them.
type collector struct {
	tracev1.UnimplementedTraceServiceServer
	listener net.Listener
	server   *grpc.Server
	done     chan struct{}
	spans    atomic.Int64
}

// startCollector listens on this machine until stop.
func startCollector() (*collector, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("collector of traces: %w", err)
	}
	c := &collector{listener: l, server: grpc.NewServer(), done: make(chan struct{})}
	tracev1.RegisterTraceServiceServer(c.server, c)
	go func() {
		defer close(c.done)
		_ = c.server.Serve(l) // it ends with stop
	}()
	return c, nil
}

func (c *collector) url() string { return "http://" + c.listener.Addr().String() }

func (c *collector) stop() {
	c.server.Stop()
	<-c.done
}

// Export implements the service.
func (c *collector) Export(_ context.Context, r *tracev1.ExportTraceServiceRequest) (*tracev1.ExportTraceServiceResponse, error) {
	for _, of := range r.GetResourceSpans() {
		for _, scope := range of.GetScopeSpans() {
			c.spans.Add(int64(len(scope.GetSpans())))
		}
	}
	return &tracev1.ExportTraceServiceResponse{}, nil
}
