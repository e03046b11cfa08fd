package expertnode

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/expertnode/batcher"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/internal/moepb"
	"github.com/hachi-serve/hachi/internal/transport/rowbuf"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// Loader makes experts computable. Unload returns when nothing computes them
// any more.
type Loader interface {
	Load(ctx context.Context, id moe.ExpertID) error
	Unload(id moe.ExpertID) error
	// Prefetch begins to fetch weights that are loaded next, and drops what it has fetched
	// of others. It returns at once. Load says what fails.
	Prefetch(ids []moe.ExpertID)
}

// Session is the node's record in the cluster: registry.NodeSession.
type Session interface {
	Update(func(*hachiv1.NodeRecord))
	Hold(bool)
	// Lost reports whether the record can not be written now.
	Lost() bool
	Close(ctx context.Context) error
}

// Watches are what a node hears, each the newest value only.
type Watches struct {
	Target    <-chan moe.Target
	Placement <-chan *moe.Placement
	Routers   <-chan []*hachiv1.RouterRecord
}

// Config describes a node.
type Config struct {
	ID          moe.NodeID
	Fingerprint moe.Fingerprint
	Model       model.Config
	Wire        tensor.DType
	FFN         model.FFN
	Loader      Loader
	Memory      Memory // of its shard; nil forgets
	ExpertBytes int64
	Capacity    uint64       // bytes; 0 is no limit
	Fetched     func() int64 // bytes of weights that came from elsewhere; nil is none
	QueueRows   int          // that may wait or be computed
	BatchRows   int          // that are computed together
	// RowMemory lends memory for replies and merged calls; nil is a pool of the node's.
	RowMemory func(n int) (b []byte, release func())
	Logger    *slog.Logger // nil is silent
}

// Node is one expert node.
type Node struct {
	cfg      Config
	topology moe.Topology // of the model
	batcher  *batcher.Batcher
	session  Session

	mu     sync.Mutex // guards the fields below
	shard  moe.Shard
	newest *moe.Placement
	served uint64 // rows
	ready  bool
}

// New makes a node that holds nothing.
func New(cfg Config) *Node {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.RowMemory == nil {
		cfg.RowMemory = new(rowbuf.Pool).Get
	}
	return &Node{
		cfg: cfg, topology: cfg.Model.Topology(),
		batcher: batcher.New(batcher.Config{
			FFN: cfg.FFN, RowBytes: cfg.Model.Hidden * cfg.Wire.Size(), QueueRows: cfg.QueueRows, BatchRows: cfg.BatchRows,
			RowMemory: cfg.RowMemory,
		}),
	}
}

// fail makes the error that answers a call.
func (n *Node) fail(c *moe.Call, kind moe.Kind, err error) error {
	var hint time.Duration
	var inner *moe.Error
	if errors.As(err, &inner) {
		hint = inner.RetryAfter
	}
	return &moe.Error{Op: "expert call", Node: n.cfg.ID, Kind: kind, Err: err, Newer: n.newer(c.Epoch), RetryAfter: hint}
}

// newer is the newest placement if its epoch is above the given one, else nil.
func (n *Node) newer(epoch moe.Epoch) *moe.Placement {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.newest != nil && n.newest.Epoch() > epoch {
		return n.newest
	}
	return nil
}

// count adds a call to the rows served.
func (n *Node) count(c *moe.Call) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.served += uint64(c.OutRows())
}

// resident is the present shard; it is never changed in place.
func (n *Node) resident() moe.Shard {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.shard
}

// setResident replaces the shard and tells the cluster.
func (n *Node) setResident(s moe.Shard) {
	n.mu.Lock()
	n.shard = s
	n.mu.Unlock()
	if n.session != nil {
		n.session.Update(func(r *hachiv1.NodeRecord) { r.Resident, r.FetchedBytes = moepb.ShardToProto(s), n.fetched() })
	}
}

// fetched counts the bytes of weights that came from elsewhere.
func (n *Node) fetched() uint64 {
	if n.cfg.Fetched == nil {
		return 0
	}
	return uint64(n.cfg.Fetched())
}

// load makes one expert computable, within the capacity.
func (n *Node) load(ctx context.Context, id moe.ExpertID, resident int) error {
	if !n.fits(resident + 1) {
		return fmt.Errorf("%d bytes needed with it, capacity is %d", uint64(resident+1)*uint64(n.cfg.ExpertBytes), n.cfg.Capacity)
	}
	return n.cfg.Loader.Load(ctx, id)
}

// fits reports whether the capacity has room for a number of experts.
func (n *Node) fits(experts int) bool {
	return n.cfg.Capacity == 0 || uint64(experts)*uint64(n.cfg.ExpertBytes) <= n.cfg.Capacity
}

func (n *Node) rowsServed() uint64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.served
}

// Busy reports whether calls wait or are computed.
func (n *Node) Busy() bool { return n.batcher.Busy() }

// adopt keeps the newest placement.
func (n *Node) adopt(p *moe.Placement) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if p != nil && (n.newest == nil || p.Epoch() > n.newest.Epoch()) {
		n.newest = p
	}
}
