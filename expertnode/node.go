package expertnode

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/hachi-serve/hachi/compute/tensor"
	"github.com/hachi-serve/hachi/expertnode/batcher"
	"github.com/hachi-serve/hachi/model"
	"github.com/hachi-serve/hachi/moe"
	"github.com/hachi-serve/hachi/moe/moepb"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// Loader makes experts computable. Unload returns when nothing computes them
// any more.
type Loader interface {
	Load(ctx context.Context, id moe.ExpertID) error
	Unload(id moe.ExpertID) error
}

// Session is the node's record in the cluster: registry.NodeSession.
type Session interface {
	Update(func(*hachiv1.NodeRecord))
	Hold(bool)
	Close(ctx context.Context) error
}

// Feeds are what a node hears, each the newest value only.
type Feeds struct {
	Target    <-chan moe.Target
	Placement <-chan *moe.Placement
	Routers   <-chan []*hachiv1.RouterRecord
}

// Config describes a node.
type Config struct {
	ID          moe.NodeID
	Model       model.Config
	Wire        tensor.DType
	FFN         model.FFN
	Loader      Loader
	ExpertBytes int64
	Capacity    uint64 // bytes; 0 is no limit
	QueueRows   int
	Logger      *slog.Logger
}

// Node is one expert node.
type Node struct {
	cfg     Config
	batcher *batcher.Batcher
	session Session

	mu     sync.Mutex // guards the fields below
	shard  moe.Shard
	newest *moe.Placement
	served []uint64 // rows per expert, [layers*experts]
}

// New makes a node that holds nothing.
func New(cfg Config) *Node {
	return &Node{
		cfg: cfg, batcher: batcher.New(cfg.FFN, cfg.QueueRows),
		served: make([]uint64, cfg.Model.Layers*cfg.Model.Experts),
	}
}

// Serve implements rpc.Handler.
func (n *Node) Serve(ctx context.Context, c *moe.Call) (*moe.Reply, error) {
	jobs, err := n.jobs(c)
	if err != nil {
		return nil, n.fail(moe.Invalid, err)
	}
	for _, j := range jobs {
		if !n.holds(j.ID) {
			return nil, n.fail(moe.NotHosted, fmt.Errorf("expert %v", j.ID))
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, n.fail(moe.Unreachable, err)
	}
	if err := n.batcher.Do(jobs); err != nil {
		return nil, n.fail(moe.KindOf(err), err)
	}
	reply := &moe.Reply{Y: make([]byte, 0, c.OutRows()*n.cfg.Model.Hidden*n.cfg.Wire.Size())}
	for _, j := range jobs {
		if j.Err != nil {
			return nil, n.fail(moe.KindOf(j.Err), j.Err)
		}
		at := len(reply.Y)
		reply.Y = reply.Y[:at+len(j.Y.Data)*n.cfg.Wire.Size()]
		tensor.Encode(reply.Y[at:], j.Y.Data, n.cfg.Wire)
		reply.Queue, reply.Compute = max(reply.Queue, j.Queue), reply.Compute+j.Compute
	}
	reply.Newer = n.finish(c)
	return reply, nil
}

// jobs decodes a call into the rows of each expert.
func (n *Node) jobs(c *moe.Call) ([]*batcher.Job, error) {
	hidden, size := n.cfg.Model.Hidden, n.cfg.Model.Hidden*n.cfg.Wire.Size()
	if len(c.X) != c.Rows*size {
		return nil, fmt.Errorf("%d bytes for %d rows of %d", len(c.X), c.Rows, size)
	}
	var jobs []*batcher.Job
	for _, g := range c.Groups {
		id := moe.ExpertID{Layer: c.Layer, Expert: g.Expert}
		if id.Layer >= n.cfg.Model.Layers || id.Expert >= n.cfg.Model.Experts || id.Layer < 0 || id.Expert < 0 {
			return nil, fmt.Errorf("expert %v in a model of %d layers of %d", id, n.cfg.Model.Layers, n.cfg.Model.Experts)
		}
		j := &batcher.Job{ID: id, X: tensor.NewMatrix(len(g.Index), hidden), Y: tensor.NewMatrix(len(g.Index), hidden)}
		for i, row := range g.Index {
			if row < 0 || int(row) >= c.Rows {
				return nil, fmt.Errorf("row %d of %d", row, c.Rows)
			}
			tensor.Decode(j.X.Row(i), c.X[int(row)*size:(int(row)+1)*size], n.cfg.Wire)
		}
		jobs = append(jobs, j)
	}
	return jobs, nil
}

// fail makes an error that carries the newest placement.
func (n *Node) fail(kind moe.Kind, err error) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	return &moe.Error{Op: "expert call", Node: n.cfg.ID, Kind: kind, Err: err, Newer: n.newest}
}

func (n *Node) holds(id moe.ExpertID) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.shard.Has(id)
}

// finish counts a call and returns a placement that is newer than the call's.
func (n *Node) finish(c *moe.Call) *moe.Placement {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, g := range c.Groups {
		n.served[c.Layer*n.cfg.Model.Experts+g.Expert] += uint64(len(g.Index))
	}
	if n.newest != nil && n.newest.Epoch() > c.Epoch {
		return n.newest
	}
	return nil
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
		n.session.Update(func(r *hachiv1.NodeRecord) { r.Resident = moepb.ShardToProto(s) })
	}
}

// load makes one expert computable, within the capacity.
func (n *Node) load(ctx context.Context, id moe.ExpertID, resident int) error {
	if need := uint64(resident+1) * uint64(n.cfg.ExpertBytes); n.cfg.Capacity > 0 && need > n.cfg.Capacity {
		return fmt.Errorf("%d bytes needed with it, capacity is %d", need, n.cfg.Capacity)
	}
	return n.cfg.Loader.Load(ctx, id)
}

// rowsServed copies the counters.
func (n *Node) rowsServed() []uint64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.served)
}

// adopt keeps the newest placement.
func (n *Node) adopt(p *moe.Placement) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if p != nil && (n.newest == nil || p.Epoch() > n.newest.Epoch()) {
		n.newest = p
	}
}

// stalled is how long a queue may not move before the node gives up its lease.
const stalled = 30 * time.Second
