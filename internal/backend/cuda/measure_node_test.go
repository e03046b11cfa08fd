package cuda

import (
	"context"
	"net"
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc"

	"github.com/hachi-serve/hachi/expertnode"
	"github.com/hachi-serve/hachi/internal/backend"
	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/transport/rpc"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// nodeTiming is what a call costs from a router's side of the socket, and of that what
// kernels take.
type nodeTiming struct {
	Experts    int     `json:"experts"`
	Rows       int     `json:"rows"`   // of each expert
	CallUS     float64 `json:"p50_us"` // from rows to the socket to replies from it
	KernelUS   float64 `json:"kernel_us"`
	OverheadUS float64 `json:"overhead_us"`
}

// still is the membership of a node in no cluster.
type still struct{}

func (still) Update(func(*hachiv1.NodeRecord)) {}
func (still) Hold(bool)                        {}
func (still) Lost() bool                       { return false }
func (still) Close(context.Context) error      { return nil }

// kept is the experts that are loaded already.
type kept struct{}

func (kept) Load(context.Context, moe.ExpertID) error { return nil }
func (kept) Unload(moe.ExpertID) error                { return nil }
func (kept) Prefetch([]moe.ExpertID)                  {}

// TestNodeOverhead serves experts from an expert node over TCP, and compares replies
// with those of calls without one. It prints what a node adds to its kernels, with the
// router's side of the stream in the same process; on a fake driver that says nothing.
func TestNodeOverhead(t *testing.T) {
	opened, err := withKernel(Backend(Config{Open: openers(t, "")}), "").Open(backend.Options{Threads: 16})
	if err != nil {
		t.Fatal(err)
	}
	d := opened.(*device)
	e := loaded(t, d, tensor.BF16, activeExperts)
	pool, to := serveExperts(t, e)
	var all []nodeTiming
	for _, m := range [][2]int{{1, 1}, {activeExperts, 2}, {1, 16}} {
		out := nodeTiming{Experts: m[0], Rows: m[1], KernelUS: kernelTime(t, d, e, m[0], m[1])}
		x := randomRows(m[1])
		want := make([]byte, m[0]*len(x))
		call(t, e, m[0], m[1], x, want)
		var took []float64
		for range 10 * *calls {
			from := time.Now()
			got := callNode(t, pool, to, m[0], m[1], x)
			took = append(took, float64(time.Since(from).Nanoseconds())/1e3)
			if !slices.Equal(got, want) {
				t.Fatalf("%d experts, %d rows: the node's replies differ from those without one", m[0], m[1])
			}
		}
		slices.Sort(took)
		out.CallUS = took[len(took)/2]
		out.OverheadUS = out.CallUS - out.KernelUS
		all = append(all, out)
	}
	writeReport(t, all)
}

// serveExperts starts a node until the end of the test.
func serveExperts(t *testing.T, e *experts) (*rpc.Pool, moe.Replica) {
	t.Helper()
	const fingerprint, largest = "measured", 64 << 20
	node := expertnode.New(expertnode.Config{ID: "node", Fingerprint: fingerprint, Model: measuredModel(), Wire: tensor.BF16, FFN: e, Loader: kept{},
		RowMemory: e.HostMemory, ExpertBytes: 1, QueueRows: 4096, BatchRows: 1024})
	var ids []moe.ExpertID
	for expert := range activeExperts {
		ids = append(ids, moe.ExpertID{Expert: expert})
	}
	target := make(chan moe.Target, 1)
	target <- moe.Target{Shards: map[moe.NodeID]moe.Shard{"node": moe.NewShard(ids)}}
	ctx, leave := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- node.Run(ctx, expertnode.Joined(still{}, expertnode.Watches{Target: target})) }()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := grpc.NewServer(rpc.ServerOptions(largest)...)
	hachiv1.RegisterExpertServiceServer(s, rpc.NewServer(rpc.ServerConfig{Handler: node, Node: "node", Fingerprint: fingerprint,
		RowMemory: e.HostMemory, RowBytes: 2 * *hiddenSize, MaxPayload: largest}))
	go func() { _ = s.Serve(l) }()
	pool := rpc.NewPool(rpc.PoolConfig{Router: "router", Fingerprint: fingerprint, MaxPayload: largest})
	t.Cleanup(func() {
		pool.Close()
		s.Stop()
		leave()
		<-ended
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return pool, moe.Replica{Node: "node", Addr: l.Addr().String()}
}

// callNode asks a node for n rows of each of some experts, again until it has loaded.
func callNode(t *testing.T, pool *rpc.Pool, to moe.Replica, experts, n int, x []byte) []byte {
	t.Helper()
	for until := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		c := &moe.Call{Fingerprint: "measured", Epoch: 1, Rows: n, X: x}
		for expert := range experts {
			g := moe.Group{Expert: expert}
			for row := range n {
				g.Index = append(g.Index, int32(row))
			}
			c.Groups = append(c.Groups, g)
		}
		var y []byte
		ended := make(chan error, 1)
		pending := moe.PendingCall{Done: func(r *moe.Reply, err error) {
			if err == nil {
				y = slices.Clone(r.Y)
				r.Free()
			}
			ended <- err
		}}
		pool.Start(to, c, &pending)
		err := <-ended
		if err == nil {
			return y
		}
		if time.Now().After(until) {
			t.Fatal(err)
		}
	}
}
