package peer

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"

	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// Node is a node that may give weights.
type Node struct {
	ID       moe.NodeID
	Addr     string
	Started  int64 // tells two runs of a node apart
	Resident moe.Shard
	All      bool // it gives every tensor, not only those of resident experts
}

// gives reports whether a node has an expert.
func (n Node) gives(id moe.ExpertID) bool { return n.All || n.Resident.Has(id) }

// Config says whom to ask.
type Config struct {
	// Nodes are those that serve the model now, without the one that asks.
	Nodes func(context.Context) ([]Node, error)
	// TLS is the configuration of a connection to a node; nil is plaintext.
	TLS    func(moe.NodeID) *tls.Config
	Logger *slog.Logger // nil is silent
}

const (
	// listFor is how long a list of nodes is taken for current.
	listFor = time.Second
	// restFor is how long a node that failed is not asked.
	restFor = 5 * time.Second
)

// nodes are the nodes to ask and the connections to them.
type nodes struct {
	cfg Config

	mu       sync.Mutex // guards the fields below
	list     []Node
	listed   time.Time
	conns    map[moe.NodeID]conn
	rests    map[moe.NodeID]time.Time // until when
	distrust map[moe.NodeID]int64     // the run that sent wrong bytes
}

type conn struct {
	addr string
	*grpc.ClientConn
}

func newNodes(cfg Config) *nodes {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return &nodes{cfg: cfg, conns: map[moe.NodeID]conn{}, rests: map[moe.NodeID]time.Time{}, distrust: map[moe.NodeID]int64{}}
}

// current are the nodes that may be asked now, in an order of chance that spreads load.
func (n *nodes) current(ctx context.Context) ([]Node, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if now := time.Now(); now.Sub(n.listed) > listFor {
		list, err := n.cfg.Nodes(ctx)
		n.listed = now
		if err != nil && n.list == nil {
			return nil, fmt.Errorf("list the nodes of the cluster: %w", err)
		}
		if err == nil { // else the last list is the best there is
			n.list = list
			n.forget()
		}
	}
	var out []Node
	for _, p := range n.list {
		if n.distrust[p.ID] != p.Started && time.Now().After(n.rests[p.ID]) {
			out = append(out, p)
		}
	}
	rand.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out, nil
}

// forget closes the connections to nodes that are gone. n.mu is held.
func (n *nodes) forget() {
	for id, c := range n.conns {
		if !slices.ContainsFunc(n.list, func(p Node) bool { return p.ID == id && p.Addr == c.addr }) {
			c.Close() // its transfers fail, and go on elsewhere
			delete(n.conns, id)
		}
	}
}

// failed keeps a node from being asked for a while.
func (n *nodes) failed(id moe.NodeID) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.rests[id] = time.Now().Add(restFor)
}

// refuse keeps this run of a node from being asked again.
func (n *nodes) refuse(p Node, file string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.distrust[p.ID] = p.Started
	n.cfg.Logger.Error("node sent wrong weights, it is not asked again", "node", p.ID, "file", file)
}

// service is the weights service of a node.
func (n *nodes) service(p Node) (hachiv1.WeightsServiceClient, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	c, ok := n.conns[p.ID]
	if !ok || c.addr != p.Addr {
		by := insecure.NewCredentials()
		if n.cfg.TLS != nil {
			by = credentials.NewTLS(n.cfg.TLS(p.ID))
		}
		made, err := grpc.NewClient("passthrough:///"+p.Addr, dialOptions(by)...)
		if err != nil {
			return nil, err
		}
		if ok {
			c.Close() // the node has moved
		}
		c = conn{p.Addr, made}
		n.conns[p.ID] = c
	}
	return hachiv1.NewWeightsServiceClient(c), nil
}

// dialOptions are those of a connection of its own: rows never wait behind weights in one
// window of flow control. Nodes are reached directly, whatever proxy the environment
// names.
func dialOptions(by credentials.TransportCredentials) []grpc.DialOption {
	const window = 4 * piece
	return []grpc.DialOption{
		grpc.WithTransportCredentials(by), grpc.WithNoProxy(), grpc.WithDisableRetry(), grpc.WithIdleTimeout(30 * time.Second),
		grpc.WithInitialWindowSize(window), grpc.WithInitialConnWindowSize(4 * window),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(2 * piece)),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 10 * time.Second, Timeout: 5 * time.Second}),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: backoff.Config{BaseDelay: 50 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: time.Second}, MinConnectTimeout: 2 * time.Second}),
	}
}

// close ends every connection.
func (n *nodes) close() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for id, c := range n.conns {
		c.Close() // nothing is under way
		delete(n.conns, id)
	}
}
