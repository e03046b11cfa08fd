package rpc

import (
	"crypto/tls"
	"net"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/hachi-serve/hachi/internal/identity"
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

// BenchmarkHop is a call of 8 KiB and its answer, with both ends in this process, in
// plaintext and with certificates. Who allocates what: -memprofile FILE
// -memprofilerate 1.
func BenchmarkHop(b *testing.B) {
	b.Run("plaintext", func(b *testing.B) { benchmarkHop(b, nil, nil) })
	b.Run("certificates", func(b *testing.B) {
		authority, err := identity.NewAuthority("c", time.Now(), time.Hour)
		if err != nil {
			b.Fatal(err)
		}
		node, router := certificate(b, authority, identity.Expert, "n"), certificate(b, authority, identity.Router, "r")
		benchmarkHop(b, node.ServerTLS(), func(n moe.NodeID) *tls.Config { return router.ClientTLS(identity.Expert, string(n)) })
	})
}

// certificate is that of a process of cluster c.
func certificate(t testing.TB, by *identity.Authority, role identity.Role, name string) *identity.Source {
	t.Helper()
	ca, err := by.Pair()
	if err != nil {
		t.Fatal(err)
	}
	pair, err := by.Issue(identity.Request{ID: identity.ID{Cluster: "c", Role: role, Name: name}, From: time.Now(), Life: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := identity.Write(dir, ca.Certificate, pair); err != nil {
		t.Fatal(err)
	}
	s, err := identity.Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func benchmarkHop(b *testing.B, server *tls.Config, client func(moe.NodeID) *tls.Config) {
	const width = 8 << 10
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	options := ServerOptions(maxPayload)
	if server != nil {
		options = append(options, grpc.Creds(credentials.NewTLS(server)))
	}
	g := grpc.NewServer(options...)
	hachiv1.RegisterExpertServiceServer(g, NewServer(ServerConfig{Handler: &mirror{}, Node: "n", Fingerprint: "f", RowBytes: width, MaxPayload: maxPayload}))
	go func() { _ = g.Serve(l) }()
	defer g.Stop()
	p := NewPool(PoolConfig{Router: "r", Fingerprint: "f", MaxPayload: maxPayload, TLS: client})
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
