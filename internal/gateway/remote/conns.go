package remote

import (
	"context"
	"crypto/tls"
	"errors"
	"iter"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"

	"github.com/hachi-serve/hachi/internal/gateway/balance"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// Conns are the connections of a gateway, one to each router.
type Conns struct {
	// tls makes the configuration of a connection to a router; nil is plaintext.
	tls     func(router string) *tls.Config
	options []grpc.DialOption

	mu    sync.Mutex // guards conns
	conns map[string]conn
}

// conn is a connection to a router at an address.
type conn struct {
	addr string
	*grpc.ClientConn
}

// NewConns has no connections. tls makes the configuration of a connection to a
// router, by its name; nil is plaintext. Options come after the connections' own.
func NewConns(tls func(router string) *tls.Config, options ...grpc.DialOption) *Conns {
	return &Conns{tls: tls, options: options, conns: map[string]conn{}}
}

const (
	// maxResponse bounds a response, which is decoded before it is believed: a router sends
	// 256 tokens at once, with 20 alternatives each, and the names of nodes.
	maxResponse = 4 << 20
	// pingEvery and pingWithin find a connection that is dead while no call is on it.
	pingEvery, pingWithin = 10 * time.Second, 5 * time.Second
	// A router that came back is found within maxReconnect.
	minReconnect, maxReconnect = 50 * time.Millisecond, time.Second
	connectWithin              = 2 * time.Second
)

// GenerateTokens implements Caller. A router that cannot be reached fails at once.
func (c *Conns) GenerateTokens(ctx context.Context, r balance.Router, in *hachiv1.GenerateTokensRequest) (Call, error) {
	conn, err := c.to(r)
	if err != nil {
		return nil, err
	}
	return hachiv1.NewInferenceServiceClient(conn).GenerateTokens(ctx, in)
}

// Probe implements Caller by gRPC's health service. Whatever the answer is, the router
// has answered.
func (c *Conns) Probe(ctx context.Context, r balance.Router) error {
	conn, err := c.to(r)
	if err != nil {
		return err
	}
	_, err = grpc_health_v1.NewHealthClient(conn).Check(ctx, &grpc_health_v1.HealthCheckRequest{})
	switch status.Code(err) {
	case codes.Unavailable, codes.DeadlineExceeded, codes.Canceled:
		return err
	}
	return nil
}

// to is the connection to a router. A router at a new address is a new process.
func (c *Conns) to(r balance.Router) (*grpc.ClientConn, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	old, ok := c.conns[r.ID]
	if ok && old.addr == r.Addr {
		return old.ClientConn, nil
	}
	secure := insecure.NewCredentials()
	if c.tls != nil {
		secure = credentials.NewTLS(c.tls(r.ID))
	}
	made, err := grpc.NewClient("passthrough:///"+r.Addr, append([]grpc.DialOption{
		grpc.WithTransportCredentials(secure), grpc.WithDisableRetry(), grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxResponse)),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: pingEvery, Timeout: pingWithin}),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: minReconnect, Multiplier: 1.6, Jitter: 0.2, MaxDelay: maxReconnect},
			MinConnectTimeout: connectWithin,
		}),
	}, c.options...)...)
	if err != nil {
		return nil, err
	}
	if ok {
		err = old.Close() // what still runs there moves
	}
	c.conns[r.ID] = conn{r.Addr, made}
	return made, err
}

// Keep closes the connections to all routers but these.
func (c *Conns) Keep(routers iter.Seq[string]) error {
	keep := slices.Collect(routers)
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []error
	for id, conn := range c.conns {
		if !slices.Contains(keep, id) {
			all = append(all, conn.Close())
			delete(c.conns, id)
		}
	}
	return errors.Join(all...)
}

// Close closes all connections.
func (c *Conns) Close() error { return c.Keep(slices.Values([]string(nil))) }
