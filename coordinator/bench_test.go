package coordinator

import (
	"fmt"
	"testing"
	"time"

	"github.com/hachi-serve/hachi/internal/coordinator/planner"
	"github.com/hachi-serve/hachi/internal/moepb"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// BenchmarkDecide is what a leader does at every change of a record, with a
// thousand nodes and a hundred routers at rest: observe all records, plan, and
// compare with the published placement.
func BenchmarkDecide(b *testing.B) {
	for _, shape := range []struct{ layers, experts int }{{32, 8}, {24, 256}} {
		for _, policy := range []planner.Policy{planner.Column, planner.Balanced} {
			b.Run(fmt.Sprintf("%dx%d/%s", shape.layers, shape.experts, policy), func(b *testing.B) {
				c := newCrowd(moe.Uniform(shape.layers, shape.experts), policy, 1000, 100)
				c.settle(b)
				b.ReportAllocs()
				for b.Loop() {
					c.now = c.now.Add(tick)
					if w := c.step(); w.target != nil || w.placement != nil {
						b.Fatalf("a cluster at rest has writes: %s", c.s.degraded())
					}
				}
			})
		}
	}
}

// crowd is a large cluster without faults.
type crowd struct {
	s       *state
	now     time.Time
	etcd    written
	nodes   []*hachiv1.NodeRecord
	routers []*hachiv1.RouterRecord
	loads   []*hachiv1.RouterLoad
}

func newCrowd(t moe.Topology, policy planner.Policy, nodes, routers int) *crowd {
	r := defaultRules()
	r.policy, r.replicas, r.expect, r.ttl = policy, 2, nodes, 10*time.Second
	c := &crowd{now: time.Unix(1000, 0)}
	c.s = newState(r, written{}, 0, func(moe.NodeID) bool { return true }, c.now)
	for i := range nodes {
		c.nodes = append(c.nodes, &hachiv1.NodeRecord{
			NodeId: fmt.Sprint("n", i), Addr: fmt.Sprint("n", i, ":1"), Fingerprint: "fp", StartedUnixNano: 1, Zone: fmt.Sprint(i % 10),
			ExpertsPerLayer: moepb.TopologyToProto(t), ExpertBytes: 1, CapacityBytes: uint64(4 + 3*t.Experts()/nodes),
			ExpertSeconds: 1e-3 * float64(1+i%3), RowSeconds: 1e-5,
		})
	}
	for i := range routers {
		id := fmt.Sprint("r", i)
		c.routers = append(c.routers, &hachiv1.RouterRecord{RouterId: id, Fingerprint: "fp"})
		c.loads = append(c.loads, &hachiv1.RouterLoad{RouterId: id, Fingerprint: "fp", RowsSent: make([]uint64, t.Experts())})
	}
	return c
}

func (c *crowd) step() writes {
	c.s.observeNodes(c.nodes, 1, c.now)
	c.s.observeRouters(c.routers)
	c.s.observeLoads(c.loads, c.now)
	w := c.s.decide(c.now)
	if w.target != nil {
		c.etcd.target, c.etcd.hasTarget = *w.target, true
	}
	if w.placement != nil {
		c.etcd.placement = w.placement
	}
	c.s.adopt(c.etcd)
	return w
}

// settle lets every node load its target at once, until nothing is written.
func (c *crowd) settle(b *testing.B) {
	for range 20 {
		c.now = c.now.Add(5 * time.Second)
		w := c.step()
		for _, n := range c.nodes {
			n.Resident, n.TargetEpoch = moepb.ShardToProto(c.etcd.target.Shards[moe.NodeID(n.NodeId)]), uint64(c.etcd.target.Epoch)
		}
		for _, l := range c.loads {
			l.Steps++
			for i := range l.RowsSent {
				l.RowsSent[i] += uint64(40 + i%7)
			}
		}
		if w.target == nil && w.placement == nil {
			return
		}
	}
	b.Fatalf("the cluster does not come to rest: %s", c.s.degraded())
}
