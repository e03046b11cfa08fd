package grpcserver

import (
	"context"
	"net"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	"github.com/hachi-serve/hachi/internal/leaktest"
	"github.com/hachi-serve/hachi/internal/logtest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// broken panics in every call.
type broken struct {
	grpc_health_v1.UnimplementedHealthServer
}

func (broken) Check(context.Context, *grpc_health_v1.HealthCheckRequest) (*grpc_health_v1.HealthCheckResponse, error) {
	panic("broken check")
}

func (broken) Watch(*grpc_health_v1.HealthCheckRequest, grpc.ServerStreamingServer[grpc_health_v1.HealthCheckResponse]) error {
	panic("broken watch")
}

// TestPanicOfAHandlerEndsItsCallOnly, unary and stream, and the log has its stack.
func TestPanicOfAHandlerEndsItsCallOnly(t *testing.T) {
	var log logtest.Log
	server, listener := New(log.Logger()), bufconn.Listen(1<<16)
	grpc_health_v1.RegisterHealthServer(server, broken{})
	served := make(chan error)
	go func() { served <- server.Serve(listener) }()
	dial := func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }
	conn, err := grpc.NewClient("passthrough:test", grpc.WithContextDialer(dial), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	client := grpc_health_v1.NewHealthClient(conn)
	if _, err := client.Check(t.Context(), &grpc_health_v1.HealthCheckRequest{}); status.Code(err) != codes.Internal || !strings.Contains(err.Error(), "broken check") {
		t.Errorf("a unary call ended with %v", err)
	}
	stream, err := client.Watch(t.Context(), &grpc_health_v1.HealthCheckRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); status.Code(err) != codes.Internal || !strings.Contains(err.Error(), "broken watch") {
		t.Errorf("a stream ended with %v", err)
	}
	conn.Close()
	server.Stop()
	if err := <-served; err != nil {
		t.Error(err)
	}
	for _, want := range []string{"broken check", "broken watch", "server_test.go", "/grpc.health.v1.Health/Watch"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log has no %q:\n%s", want, log.String())
		}
	}
}
