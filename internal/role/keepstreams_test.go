package role

import (
	"log/slog"
	"net"
	"slices"
	"testing"

	"github.com/hachi-serve/hachi/internal/eventually"
	"github.com/hachi-serve/hachi/internal/router/dispatch"
	"github.com/hachi-serve/hachi/internal/transport/rpc"
	"github.com/hachi-serve/hachi/internal/weights/peer"
	"github.com/hachi-serve/hachi/moe"
)

// TestARouterNoticesADeathWithoutACall: of a node of its placement to which it has never
// sent a row, and without gossip.
func TestARouterNoticesADeathWithoutACall(t *testing.T) {
	core, err := OpenCore(t.Context(), testRouter(tinyCheckpoint(t)))
	if err != nil {
		t.Fatal(err)
	}
	defer core.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	table := make([][]moe.Replica, core.Model.Topology().Experts())
	for i := range table {
		table[i] = []moe.Replica{{Node: "expert-0", Addr: addr}}
	}
	p, err := moe.NewPlacement(1, core.weights.fingerprint, core.Model.Topology(), table)
	if err != nil || !core.Dispatcher.Adopt(p) {
		t.Fatal("no placement", err)
	}
	suspects := func(want bool) func() bool {
		return func() bool {
			return slices.ContainsFunc(core.Dispatcher.Nodes(), func(n dispatch.NodeStats) bool { return n.Node == "expert-0" && n.Suspected == want })
		}
	}
	eventually.True(t, "the suspicion of a node that does not listen", suspects(true))
	if l, err = net.Listen("tcp", addr); err != nil {
		t.Fatal(err)
	}
	node := serveExperts(l, &peer.Server{}, rpc.ServerConfig{
		Node: "expert-0", Fingerprint: core.weights.fingerprint, RowBytes: core.weights.rowBytes(), MaxPayload: core.weights.maxPayload(),
	}, nil, slog.New(slog.DiscardHandler))
	eventually.True(t, "trust in a node that listens", suspects(false))
	node.stop()
	eventually.True(t, "the suspicion of a node that died", suspects(true))
}
