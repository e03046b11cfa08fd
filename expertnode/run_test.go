package expertnode

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/hachi-serve/hachi/internal/backend"
	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/internal/moepb"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

const self = moe.NodeID("n")

// record is a Session that remembers.
type record struct {
	mu     sync.Mutex // guards the fields below
	node   hachiv1.NodeRecord
	held   bool
	lost   bool
	closed bool
}

func (r *record) Lost() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.lost
}

// lose is the loss of etcd, or its return.
func (r *record) lose(lost bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lost = lost
}

func (r *record) Update(change func(*hachiv1.NodeRecord)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change(&r.node)
}

func (r *record) Hold(held bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.held = held
}

func (r *record) Close(context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	return nil
}

// read is a copy of what is published.
func (r *record) read() (node *hachiv1.NodeRecord, held, closed bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return proto.CloneOf(&r.node), r.held, r.closed
}

// disk is a Loader whose experts can be damaged or slow.
type disk struct {
	mu      sync.Mutex // guards the fields below
	damaged map[moe.ExpertID]error
	slow    map[moe.ExpertID]time.Duration
	loads   []moe.ExpertID
	unloads []moe.ExpertID
	ahead   [][]moe.ExpertID // wishes that are not empty
	busy    int
	most    int // loads and unloads at once
}

func (d *disk) enter() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.busy++
	d.most = max(d.most, d.busy)
}

func (d *disk) leave() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.busy--
}

func (d *disk) Load(ctx context.Context, id moe.ExpertID) error {
	d.enter()
	defer d.leave()
	d.mu.Lock()
	d.loads = append(d.loads, id)
	err, wait := d.damaged[id], d.slow[id]
	d.mu.Unlock()
	select {
	case <-time.After(wait):
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (d *disk) Prefetch(ids []moe.ExpertID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(ids) > 0 {
		d.ahead = append(d.ahead, slices.Clone(ids))
	}
}

func (d *disk) Unload(id moe.ExpertID) error {
	d.enter()
	defer d.leave()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.unloads = append(d.unloads, id)
	return nil
}

func (d *disk) repair() {
	d.mu.Lock()
	defer d.mu.Unlock()
	clear(d.damaged)
}

// tried counts the loads of an expert.
func (d *disk) tried(id moe.ExpertID) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := 0
	for _, l := range d.loads {
		if l == id {
			n++
		}
	}
	return n
}

// bench is a running node with everything around it under control.
type bench struct {
	node      *Node
	disk      *disk
	record    *record
	target    chan moe.Target
	placement chan *moe.Placement
	routers   chan []*hachiv1.RouterRecord
	leave     context.CancelFunc
	ended     chan error
}

const (
	layers  = 2
	experts = 4
	hidden  = 4
)

// run starts a node; change may alter its configuration.
func run(t *testing.T, change func(*Config)) *bench { return start(t, change, func(*Node) {}) }

// start is run with something that happens before.
func start(t *testing.T, change func(*Config), before func(*Node)) *bench {
	d := &disk{damaged: map[moe.ExpertID]error{}, slow: map[moe.ExpertID]time.Duration{}}
	cfg := Config{
		ID: self, Model: model.Config{Layers: layers, Experts: experts, Hidden: hidden}, Wire: tensor.F32, FFN: twice{}, Loader: d,
		ExpertBytes: 100, QueueRows: 64,
	}
	if change != nil {
		change(&cfg)
	}
	b := &bench{
		node: New(cfg), disk: d, record: &record{}, ended: make(chan error, 1),
		target: make(chan moe.Target, 1), placement: make(chan *moe.Placement, 1), routers: make(chan []*hachiv1.RouterRecord, 1),
	}
	var ctx context.Context
	ctx, b.leave = context.WithCancel(t.Context())
	before(b.node)
	go func() {
		b.ended <- b.node.Run(ctx, Joined(b.record, Watches{Target: b.target, Placement: b.placement, Routers: b.routers}))
	}()
	return b
}

// stop ends the node and checks that it ended well.
func (b *bench) stop(t *testing.T) {
	t.Helper()
	b.leave()
	if err := <-b.ended; err != nil {
		t.Error(err)
	}
}

// twice doubles every value.
type twice struct{}

func (twice) Run(ctx context.Context, layer int, groups []moe.Group, x, y []byte) error {
	return backend.EachExpert{Hidden: hidden, Wire: tensor.F32, Expert: func(_ moe.ExpertID, x, y tensor.Matrix) error {
		for i, v := range x.Data {
			y.Data[i] = 2 * v
		}
		return nil
	}}.Run(ctx, layer, groups, x, y)
}

func want(ids ...moe.ExpertID) moe.Target {
	return moe.Target{Shards: map[moe.NodeID]moe.Shard{self: moe.NewShard(ids)}}
}

// placed makes a placement with the node serving ids and another the rest.
func placed(t *testing.T, epoch moe.Epoch, ids ...moe.ExpertID) *moe.Placement {
	t.Helper()
	table := make([][]moe.Replica, layers*experts)
	for i := range table {
		node := moe.NodeID("other")
		if slices.Contains(ids, moe.ExpertID{Layer: i / experts, Expert: i % experts}) {
			node = self
		}
		table[i] = []moe.Replica{{Node: node}}
	}
	p, err := moe.NewPlacement(epoch, "f", moe.Uniform(layers, experts), table)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func acked(epochs ...uint64) []*hachiv1.RouterRecord {
	out := []*hachiv1.RouterRecord{}
	for _, e := range epochs {
		out = append(out, &hachiv1.RouterRecord{AckedEpoch: e})
	}
	return out
}

// resident is the shard that the record lists.
func (b *bench) resident(t *testing.T) string {
	t.Helper()
	node, _, _ := b.record.read()
	s, err := moepb.ShardFromProto(node.GetResident())
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(s)
}

func e(layer, expert int) moe.ExpertID { return moe.ExpertID{Layer: layer, Expert: expert} }

func TestDamagedExpertDelaysNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := run(t, nil)
		defer b.stop(t)
		b.disk.damaged[e(0, 0)] = errors.New("bad checksum")
		b.disk.damaged[e(1, 0)] = errors.New("truncated")
		b.target <- want(e(0, 0), e(0, 1), e(1, 0), e(1, 1))
		time.Sleep(time.Second)
		if got := b.resident(t); got != "[L0/E1 L1/E1]" {
			t.Errorf("resident %s, want all that are sound", got)
		}
		node, _, _ := b.record.read()
		if got, want := node.GetLoadError(), "L0/E0: bad checksum; L1/E0: truncated"; got != want {
			t.Errorf("load error %q, want %q", got, want)
		}
		time.Sleep(10 * time.Minute)
		if n := b.disk.tried(e(0, 0)); n < 5 || n > 20 {
			t.Errorf("tried %d times in ten minutes", n)
		}
		b.disk.repair()
		time.Sleep(2 * lastRetry)
		if got := b.resident(t); got != "[L0/E0 L0/E1 L1/E0 L1/E1]" {
			t.Errorf("resident %s after the repair", got)
		}
		if node, _, _ := b.record.read(); node.GetLoadError() != "" {
			t.Errorf("load error %q after the repair", node.GetLoadError())
		}
	})
}

func TestFailuresAreListedInOrderAndBounded(t *testing.T) {
	f := failures{}
	for i := range 9 {
		f.add(e(1-i%2, i), errors.New("x"), time.Time{})
	}
	if got, want := f.String(), "L0/E1: x; L0/E3: x; L0/E5: x; L0/E7: x; and 5 more"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestFailureOfAnExpertNoLongerWantedIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := run(t, nil)
		defer b.stop(t)
		b.disk.damaged[e(0, 0)] = errors.New("bad checksum")
		b.target <- want(e(0, 0))
		time.Sleep(time.Second)
		b.target <- want(e(0, 1))
		time.Sleep(time.Second)
		if node, _, _ := b.record.read(); node.GetLoadError() != "" {
			t.Errorf("load error %q", node.GetLoadError())
		}
	})
}

func TestSlowLoadHoldsUpNothingElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := run(t, nil)
		b.disk.slow[e(0, 0)] = time.Hour
		b.target <- want(e(0, 0), e(0, 1))
		time.Sleep(time.Second)
		b.placement <- placed(t, 7)
		b.routers <- acked(7)
		synctest.Wait()
		if node, _, _ := b.record.read(); node.GetEpoch() != 7 {
			t.Errorf("epoch %d was not heard of during a load", node.GetEpoch())
		}
		began := time.Now()
		b.stop(t)
		if took := time.Since(began); took > time.Second {
			t.Errorf("a node without routers took %v to leave during a load", took)
		}
		if b.disk.most != 1 {
			t.Errorf("%d loads at once", b.disk.most)
		}
		if n := b.disk.tried(e(0, 1)); n != 0 {
			t.Error("a leaving node began to load")
		}
	})
}

func TestUnloadWaitsForEveryRouter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := run(t, nil)
		defer b.stop(t)
		b.target <- want(e(0, 0), e(0, 1))
		b.placement <- placed(t, 1, e(0, 0), e(0, 1))
		b.routers <- acked(1, 1)
		time.Sleep(time.Second)
		b.target <- want(e(0, 0))
		b.placement <- placed(t, 2, e(0, 0))
		b.routers <- acked(2, 1)
		time.Sleep(time.Hour)
		if got := b.resident(t); got != "[L0/E0 L0/E1]" {
			t.Errorf("resident %s while a router may still ask", got)
		}
		b.routers <- acked(2, 3)
		time.Sleep(time.Hour)
		if got := b.resident(t); got != "[L0/E0 L0/E1]" {
			t.Errorf("resident %s while a router uses a placement that the node does not know", got)
		}
		b.routers <- acked(2, 2)
		time.Sleep(time.Second)
		if got := b.resident(t); got != "[L0/E0]" || !slices.Equal(b.disk.unloads, []moe.ExpertID{e(0, 1)}) {
			t.Errorf("resident %s, unloaded %v", got, b.disk.unloads)
		}
	})
}

func TestCapacityIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := run(t, func(c *Config) { c.Capacity = 250 })
		defer b.stop(t)
		b.target <- want(e(0, 0), e(0, 1), e(0, 2))
		time.Sleep(time.Minute)
		if got := b.resident(t); got != "[L0/E0 L0/E1]" {
			t.Errorf("resident %s, want what 250 bytes hold", got)
		}
		if node, _, _ := b.record.read(); !strings.Contains(node.GetLoadError(), "L0/E2: 300 bytes needed with it, capacity is 250") {
			t.Errorf("load error %q", node.GetLoadError())
		}
	})
}

func TestLeavingNodeStaysWhileItIsNeeded(t *testing.T) {
	tests := []struct {
		name      string
		placement *moe.Placement
		routers   []*hachiv1.RouterRecord
		later     func(*bench)
		within    time.Duration
	}{
		{name: "never placed", within: 0},
		{name: "no routers", placement: placed(t, 1, e(0, 0)), routers: acked(), within: 0},
		{name: "placed for good", placement: placed(t, 1, e(0, 0)), routers: acked(1), within: drainWithin},
		{name: "placed elsewhere, not acked", placement: placed(t, 2), routers: acked(2, 1), within: drainWithin},
		{name: "placed elsewhere, acked", placement: placed(t, 2), routers: acked(2, 2), within: 0},
		{name: "no process hears it", placement: placed(t, 1, e(0, 0)), routers: acked(1), within: blindReports * reportEvery, later: func(b *bench) { b.record.lose(true) }},
		{name: "not heard for a moment", placement: placed(t, 1, e(0, 0)), routers: acked(1), within: drainWithin, later: func(b *bench) {
			b.record.lose(true)
			time.Sleep(blindReports*reportEvery - reportEvery/2)
			b.record.lose(false)
		}},
		{name: "moved in time", placement: placed(t, 1, e(0, 0)), routers: acked(1), within: 3 * time.Second, later: func(b *bench) {
			time.Sleep(time.Second)
			b.placement <- placed(t, 2)
			time.Sleep(2 * time.Second)
			b.routers <- acked(2)
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := run(t, nil)
				if tt.placement != nil {
					b.placement <- tt.placement
				}
				if tt.routers != nil {
					b.routers <- tt.routers
				}
				synctest.Wait()
				began := time.Now()
				b.leave()
				synctest.Wait()
				node, _, closed := b.record.read()
				if !node.GetDraining() || closed != (tt.within == 0) {
					t.Errorf("draining %v, closed %v", node.GetDraining(), closed)
				}
				if tt.later != nil {
					go tt.later(b)
				}
				if err := <-b.ended; err != nil {
					t.Error(err)
				}
				if took := time.Since(began); took != tt.within {
					t.Errorf("left after %v, want %v", took, tt.within)
				}
			})
		})
	}
}
