package sim

import (
	"fmt"
	"strconv"
	"time"

	"github.com/hachi-serve/hachi/expertnode"
	"github.com/hachi-serve/hachi/internal/expertnode/batcher"
	"github.com/hachi-serve/hachi/internal/moepb"
	"github.com/hachi-serve/hachi/internal/sim/event"
	"github.com/hachi-serve/hachi/internal/sim/machine"
	"github.com/hachi-serve/hachi/internal/sim/scenario"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// node is one run of an expert node. The queue of calls is the product's; computing and
// loading take simulated time.
type node struct {
	process
	busy    bool
	serial  int32         // of this process among all of nodes
	began   time.Duration // of the batch
	ends    time.Duration // of the batch, where it is known when the batch begins
	clock   time.Duration // of the queue
	batcher *batcher.Batcher
	speed   *machine.Experts
	soon    []*call // received after the batch ends, by call.at
	present []*call // that wait or are computed
	batch   batcher.Batch
	stats   nodeStats // of all time

	spec       scenario.Node
	resident   moe.Shard
	news       expertnode.News
	moving     bool // an expert is loaded or unloaded
	registered bool
	loadRate   float64
	record     *hachiv1.NodeRecord
	number     int       // by which the network finds the node
	run        int       // counts the processes under this name
	before     nodeStats // of stats, what does not count
}

// startNode starts a process for a node, empty.
func (w *world) startNode(spec scenario.Node) *node {
	n := &node{
		process: w.process(string(spec.ID), spec.Process), spec: spec, speed: w.speedOf(spec.Process),
		run: 1,
	}
	w.started++
	n.serial = w.started
	if old := w.nodes[spec.ID]; old != nil {
		n.number, n.run, n.stats, n.before = old.number, old.run+1, old.stats, old.before
		w.numbered[n.number] = n
	} else {
		n.number = len(w.nodeOrder)
		w.nodeOrder, w.numbered = append(w.nodeOrder, spec.ID), append(w.numbered, n)
	}
	step := w.scenario.Routers.Limits.StepTokens * w.scenario.Shape.Config.TopK
	n.batcher = batcher.New(batcher.Config{RowBytes: rowBytes, QueueRows: queuedSteps * step, BatchRows: step, Now: n.date})
	n.record = &hachiv1.NodeRecord{
		NodeId: n.name, Addr: strconv.Itoa(n.number), CapacityBytes: uint64(spec.Capacity), Backend: "sim", Fingerprint: fingerprint, StartedUnixNano: int64(n.run),
		ExpertsPerLayer: moepb.TopologyToProto(w.topology), ExpertBytes: uint64(w.scenario.Shape.ExpertBytes), Zone: spec.Zone, Resident: moepb.ShardToProto(nil),
	}
	w.nodes[spec.ID] = n
	return n
}

// speedOf is how fast a process computes experts: one for all processes that are alike.
func (w *world) speedOf(p scenario.Process) *machine.Experts {
	kind := kind{p.Machine, p.Threads}
	if w.speeds[kind] == nil {
		speed := p.Machine.Experts(&w.scenario.Shape, p.Threads)
		w.speeds[kind] = &speed
	}
	return w.speeds[kind]
}

// kind is what the speed of a process depends on.
type kind struct {
	machine *machine.Machine
	threads int
}

// queuedSteps is the number of whole steps that a node's queue has room for.
const queuedSteps = 8

// nodeAt is the node at an address, which is its number; nil if there is none.
func (w *world) nodeAt(addr string) *node {
	if i, err := strconv.Atoi(addr); err == nil && i < len(w.numbered) {
		return w.numbered[i]
	}
	return nil
}

// date is the clock of the queue.
func (n *node) date() time.Time { return n.world.loop.DateOf(n.clock) }

// receive takes a call that is received at c.at. That may be soon: nothing that reaches the
// NIC later is received before it. Only a call that finds the node computing until then has
// to wait for what comes first.
func (n *node) receive(c *call) {
	switch {
	case !n.busy:
		n.queue(c)
		n.pump()
	case n.shared || c.at <= n.ends:
		n.queue(c)
	default:
		n.soon = append(n.soon, c)
	}
}

// queue brings a call into the queue, at c.at.
func (n *node) queue(c *call) {
	if c.pending == nil { // canceled on its way
		c.endMove()
		return
	}
	n.clock = c.at
	if err := n.serve(c); err != nil {
		c.sendReply(err)
	}
}

// serve queues a call; the error is its answer.
func (n *node) serve(c *call) error {
	for _, g := range c.call.Groups {
		id := moe.ExpertID{Layer: c.call.Layer, Expert: g.Expert}
		if !n.holds(n.world.topology.Index(id)) {
			n.stats.notHosted++
			n.world.checkRefusal(n, c, id)
			return &moe.Error{Op: "expert call", Node: n.spec.ID, Kind: moe.NotHosted, Err: fmt.Errorf("expert %v", id), Newer: n.newer(c.epoch)}
		}
	}
	c.task.Call, c.task.Y = c.call, zeros(&n.world.zero, c.outputs*rowBytes)
	if err := n.batcher.Submit(&c.task); err != nil {
		n.stats.refused++
		return err
	}
	c.slot, n.present = len(n.present), append(n.present, c)
	return nil
}

// holds reports that a node can compute the expert at an index.
func (n *node) holds(index int) bool { return n.world.holders.has(index, n.serial) }

// hold notes that a node can compute an expert from now on, or not any more.
func (n *node) hold(id moe.ExpertID, holds bool) {
	expert := n.world.topology.Index(id)
	n.world.holders.remove(expert, n.serial)
	if holds {
		n.world.holders.add(expert, n.serial)
	}
}

// leaveNode takes a call off the list of its node.
func (c *call) leaveNode() {
	if c.slot < 0 {
		return
	}
	n, last := c.to, len(c.to.present)-1
	n.present[c.slot] = n.present[last]
	n.present[c.slot].slot = c.slot
	n.present[last] = nil
	n.present, c.slot = n.present[:last], -1
}

// newer is the newest placement if its epoch is above one, else nil.
func (n *node) newer(epoch moe.Epoch) *moe.Placement {
	if p := n.news.Placement; p != nil && p.Epoch() > epoch {
		return p
	}
	return nil
}

// pump computes the next batch. None is computed.
func (n *node) pump() {
	batch, ok := n.batcher.Take()
	if !ok {
		return
	}
	n.busy, n.batch, n.began = true, batch, n.clock
	n.world.checkBatch(n, batch)
	n.stats.batches++
	n.stats.groups += uint64(len(batch.Groups))
	n.stats.rows += uint64(batch.Rows)
	work := n.speed.Batch(batch.Groups)
	n.rate = n.speed.Rate(batch.Groups, work)
	n.ends = n.compute(n.clock, work, n)
}

// Fire implements event.Handler: the batch is computed.
func (n *node) Fire() {
	if !n.up {
		return
	}
	n.busy, n.clock = false, n.world.loop.Now()
	n.stats.busy += n.clock - n.began
	n.batch.Finish()
	n.pump()
	soon := n.soon
	n.soon = nil
	for _, c := range soon {
		n.receive(c)
	}
}

// die ends the process: what it computes is lost, and its callers notice.
func (n *node) die() {
	n.up = false
	n.cores.drop(&n.process)
	for _, c := range n.present {
		c.slot = -1
		n.lose(c)
	}
	for _, c := range n.soon {
		n.lose(c)
	}
	n.present, n.soon = nil, nil
	n.resident = nil
}

// lose ends a call that the process had when it died.
func (n *node) lose(c *call) {
	if n.cut {
		c.endMove()
	} else {
		c.refuse()
	}
}

// act loads or unloads the next expert, one at a time.
func (n *node) act() {
	if n.moving || !n.up {
		return
	}
	load, unload := expertnode.Duties(n.spec.ID, n.resident, n.news)
	switch bytes := n.world.scenario.Shape.ExpertBytes; {
	case len(unload) > 0:
		id := unload[0]
		n.setResident(n.resident.Minus(unload[:1]))
		n.move(unloadTime, func() { n.hold(id, false) })
	case len(load) > 0 && int64(len(n.resident)+1)*bytes <= n.spec.Capacity:
		id, took := load[0], time.Duration(float64(bytes)/n.spec.Machine.Load*n.slow*float64(time.Second))
		n.move(took, func() {
			n.loaded(took)
			n.hold(id, true)
			n.setResident(moe.NewShard(append(n.resident[:len(n.resident):len(n.resident)], id)))
		})
	}
}

// unloadTime is until no batch computes an expert that is unloaded.
const unloadTime = time.Millisecond

func (n *node) move(took time.Duration, end func()) {
	n.moving = true
	n.world.loop.AfterLocal(took, event.Func(func() {
		if n.moving = false; n.up {
			end()
			n.act()
		}
	}))
}

// loaded smooths how fast experts are loaded.
func (n *node) loaded(took time.Duration) {
	rate := float64(n.world.scenario.Shape.ExpertBytes) / max(took.Seconds(), 1e-6)
	if n.loadRate == 0 {
		n.loadRate = rate
	}
	n.loadRate += (rate - n.loadRate) / 8
}

func (n *node) setResident(s moe.Shard) {
	n.resident = s
	n.stats.peak = max(n.stats.peak, len(s))
	n.record.Resident = moepb.ShardToProto(s)
	n.world.control.changed(n)
}

// report writes what was measured into the record, again and again.
func (n *node) report() {
	if !n.up {
		return
	}
	expertnode.Measured{Rows: n.stats.rows, Speed: n.batcher.Speed(), LoadRate: n.loadRate}.Record(n.record)
	n.world.control.changed(n)
	n.world.loop.AfterLocal(expertnode.LoadEvery(n.world.control.size()), event.Func(n.report))
}
