package rpc

import (
	"net"
	"testing"

	"google.golang.org/grpc"

	"github.com/hachi-serve/hachi/internal/transport/rowbuf"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// mirror answers a call with its own rows.
type mirror struct{ memory rowbuf.Pool }

func (m *mirror) Serve(c *moe.Call, done func(*moe.Reply, error)) func() bool {
	reply := &moe.Reply{}
	reply.Y, reply.Release = m.memory.Get(len(c.X))
	copy(reply.Y, c.X)
	done(reply, nil)
	return nil
}

// BenchmarkHop is a call of 8 KiB and its answer, with both ends in this process.
// Who allocates what: -memprofile FILE -memprofilerate 1.
func BenchmarkHop(b *testing.B) {
	const width = 8 << 10
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	g := grpc.NewServer(ServerOptions(maxPayload)...)
	hachiv1.RegisterExpertServiceServer(g, NewServer(ServerConfig{Handler: &mirror{}, Node: "n", Fingerprint: "f", RowBytes: width, MaxPayload: maxPayload}))
	go func() { _ = g.Serve(l) }()
	defer g.Stop()
	p := NewPool(PoolConfig{Router: "r", Fingerprint: "f", MaxPayload: maxPayload})
	defer p.Close()
	var memory rowbuf.Pool
	ended := make(chan error, 1)
	t := moe.PendingCall{Done: func(reply *moe.Reply, err error) { reply.Free(); ended <- err }}
	c := moe.Call{Fingerprint: "f", Rows: 1, Groups: []moe.Group{{Expert: 1, Index: []int32{0}}}}
	b.ReportAllocs()
	for b.Loop() {
		c.X, c.Release = memory.Get(width)
		p.Start(moe.Replica{Node: "n", Addr: l.Addr().String()}, &c, &t)
		if err := <-ended; err != nil {
			b.Fatal(err)
		}
	}
}
