package rpc

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"

	"github.com/hachi-serve/hachi/internal/identity"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// counting counts the calls that reach a node.
type counting struct {
	mirror
	calls atomic.Int64
}

func (c *counting) Serve(call *moe.Call, done func(*moe.Reply, error)) func() bool {
	c.calls.Add(1)
	return c.mirror.Serve(call, done)
}

// TestRowsReachTheNodeOfThatNameOnly: a process at the address of node n gets no
// rows unless its certificate is of expert n of this cluster, and a router whose
// hello has another name than its certificate is refused.
func TestRowsReachTheNodeOfThatNameOnly(t *testing.T) {
	authority := func() *identity.Authority {
		a, err := identity.NewAuthority("c", time.Now(), time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	ours, others := authority(), authority()
	for _, test := range []struct {
		name   string
		node   *identity.Source // nil is plaintext
		router string           // in its hello
		want   int64
	}{
		{"the node", certificate(t, ours, identity.Expert, "n"), "r", 1},
		{"another node", certificate(t, ours, identity.Expert, "m"), "r", 0},
		{"a stolen router's certificate", certificate(t, ours, identity.Router, "n"), "r", 0},
		{"another authority", certificate(t, others, identity.Expert, "n"), "r", 0},
		{"plaintext", nil, "r", 0},
		{"a hello of another name", certificate(t, ours, identity.Expert, "n"), "s", 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			handler := &counting{}
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			options := ServerOptions(maxPayload)
			if test.node != nil {
				options = slices.Concat(options, []grpc.ServerOption{grpc.Creds(NewTLS(test.node.ServerTLS()))})
			}
			g := grpc.NewServer(options...)
			hachiv1.RegisterExpertServiceServer(g, NewServer(ServerConfig{Handler: handler, Node: "n", Fingerprint: "f", RowBytes: rowBytes, MaxPayload: maxPayload,
				Caller: func(ctx context.Context) (moe.RouterID, bool) {
					id, ok := identity.Peer(ctx)
					return moe.RouterID(id.Name), ok
				}}))
			var serving sync.WaitGroup
			serving.Go(func() { _ = g.Serve(l) })
			defer serving.Wait()
			defer g.Stop()
			router := certificate(t, ours, identity.Router, "r")
			p := NewPool(PoolConfig{Router: moe.RouterID(test.router), Fingerprint: "f", MaxPayload: maxPayload,
				TLS: func(n moe.NodeID) *tls.Config { return router.ClientTLS(identity.Expert, string(n)) }})
			defer p.Close()
			ended := make(chan error, 1)
			p.Start(moe.Replica{Node: "n", Addr: l.Addr().String()}, call(1), &moe.PendingCall{Done: func(reply *moe.Reply, err error) {
				reply.Free()
				ended <- err
			}})
			err = <-ended
			if (err == nil) != (test.want == 1) || handler.calls.Load() != test.want {
				t.Errorf("%d calls, %v", handler.calls.Load(), err)
			}
			var known *moe.Error
			if err != nil && !errors.As(err, &known) {
				t.Errorf("%T, expected a *moe.Error", err)
			}
		})
	}
}
