package role

import (
	"log/slog"
	"net"
	"net/http"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/hachi-serve/hachi/expertnode"
	"github.com/hachi-serve/hachi/internal/freeport"
	"github.com/hachi-serve/hachi/internal/transport/rpc"
	"github.com/hachi-serve/hachi/internal/weights/peer"
	"github.com/hachi-serve/hachi/moe"
)

// mirror answers a call with its own rows.
type mirror struct{}

func (mirror) Serve(c *moe.Call, done func(*moe.Reply, error)) func() bool {
	done(&moe.Reply{Y: append([]byte(nil), c.X...)}, nil)
	return nil
}

// TestLeavingNodeSaysSo: to routers by a message, to probes by its health; and
// it still answers.
func TestLeavingNodeSaysSo(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := serveExperts(l, peer.NewServer(peer.ServerConfig{}), rpc.ServerConfig{Handler: mirror{}, Node: "n", Fingerprint: "f", RowBytes: 4, MaxPayload: 1024}, nil, nil)
	defer server.stop()
	conn, err := grpc.NewClient(l.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	health := func() healthpb.HealthCheckResponse_ServingStatus {
		t.Helper()
		r, err := healthpb.NewHealthClient(conn).Check(t.Context(), &healthpb.HealthCheckRequest{})
		if err != nil {
			t.Fatal(err)
		}
		return r.GetStatus()
	}
	drained := make(chan moe.NodeID, 1)
	pool := rpc.NewPool(rpc.PoolConfig{Router: "r", Fingerprint: "f", MaxPayload: 1024, Draining: func(n moe.NodeID) { drained <- n }})
	defer pool.Close()
	ask := func() {
		t.Helper()
		c := &moe.Call{Fingerprint: "f", Rows: 1, X: []byte{1, 2, 3, 4}, Groups: []moe.Group{{Index: []int32{0}}}}
		r, err := moe.Await(t.Context(), pool, moe.Replica{Node: "n", Addr: l.Addr().String()}, c)
		if err != nil {
			t.Fatal(err)
		}
		r.Free()
	}
	ask()
	if got := health(); got != healthpb.HealthCheckResponse_SERVING {
		t.Errorf("health %v before", got)
	}
	server.leave()
	if got := health(); got != healthpb.HealthCheckResponse_NOT_SERVING {
		t.Errorf("health %v after", got)
	}
	if got := <-drained; got != "n" {
		t.Errorf("%s is draining", got)
	}
	ask()
}

// TestAdminAPIOfAnExpertNodeEnds, and leaves its port.
func TestAdminAPIOfAnExpertNodeEnds(t *testing.T) {
	c := DefaultExpertNode()
	c.Logger, c.Security.AdminListen = slog.New(slog.DiscardHandler), freeport.Address(t)
	for range 2 {
		stop, err := c.serveAdmin(expertnode.New(expertnode.Config{}), coreBudgetMetrics{}, &security{})
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.Get("http://" + c.Security.AdminListen + "/readyz")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("a node without a target: %s", resp.Status)
		}
		stop()
	}
}
