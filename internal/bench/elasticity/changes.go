package elasticity

import (
	"context"
	"fmt"
	"syscall"
	"time"

	"github.com/hachi-serve/hachi/internal/bench/measure"
	"github.com/hachi-serve/hachi/internal/moepb"
	"github.com/hachi-serve/hachi/internal/status"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// change lets the cluster grow and shrink, and restarts every process.
func (m *measurement) change(ctx context.Context) error {
	phases := []struct {
		name string
		do   func(context.Context) error
	}{
		{"nothing", func(context.Context) error { return nil }},
		{fmt.Sprintf("%d to %d nodes", m.c.Up.Nodes, m.c.Most), m.grow},
		{fmt.Sprintf("%d to %d nodes", m.c.Most, m.c.Final), m.shrink},
		{"restart of every expert node", m.restarts("expert", m.c.Final)},
		{"restart of every router", m.restarts("router", m.c.Up.Routers)},
		{"restart of the coordinator", m.restarts("coordinator", 1)},
		{"restart of every gateway", m.restarts("gateway", 2)},
	}
	for _, p := range phases {
		if err := m.phase(ctx, p.name, p.do); err != nil {
			return err
		}
	}
	return nil
}

// grow adds nodes, each when the one before serves.
func (m *measurement) grow(ctx context.Context) error {
	for i := m.c.Up.Nodes; i < m.c.Most; i++ {
		name, began := fmt.Sprint("expert-", i), time.Now()
		if err := m.cluster.AddNode(i); err != nil {
			return err
		}
		join := Join{Node: name}
		err := m.await(ctx, name+" serves", func(s seen) bool {
			n := s.nodes[name]
			if s.placed(moe.NodeID(name)) && join.PlacedS == 0 {
				join.PlacedS = time.Since(began).Seconds()
			}
			if n.GetRowsServed() == 0 {
				return false
			}
			join.ServedS = time.Since(began).Seconds()
			if shard, err := moepb.ShardFromProto(n.GetResident()); err == nil {
				join.Bytes = uint64(len(shard)) * n.GetExpertBytes()
			}
			if rate := n.GetLoadBytesPerSecond(); rate > 0 {
				join.LoadS = float64(join.Bytes) / rate
			}
			return true
		})
		if err != nil {
			return err
		}
		m.joins = append(m.joins, join)
	}
	return nil
}

// shrink lets nodes leave, each when the one before is gone.
func (m *measurement) shrink(ctx context.Context) error {
	for i := m.c.Most - 1; i >= m.c.Final; i-- {
		name := fmt.Sprint("expert-", i)
		m.cluster.Child(name).Stop(ctx)
		err := m.await(ctx, name+" is gone", func(s seen) bool { return s.nodes[name] == nil && !s.placed(moe.NodeID(name)) })
		if err != nil {
			return err
		}
	}
	return m.await(ctx, "no replica is missing", seen.complete)
}

// restarts is a change that restarts the processes of a role, each when the one
// before serves again.
func (m *measurement) restarts(role string, n int) func(context.Context) error {
	return func(ctx context.Context) error {
		for i := range n {
			child := m.cluster.Child(fmt.Sprintf("%s-%d", role, i))
			before := child.PID()
			if err := child.Signal(syscall.SIGTERM); err != nil {
				return err
			}
			err := m.await(ctx, child.Name()+" serves again", func(s seen) bool {
				return child.PID() != before && s.whole(m.c.Final, m.c.Up.Routers) && s.complete()
			})
			if err != nil {
				return err
			}
		}
		return nil
	}
}

// seen are the records of the cluster at a time, and how its leader sees it.
type seen struct {
	status.View
	leader *hachiv1.GetStatusResponse // nil when none answers
	nodes  map[string]*hachiv1.NodeRecord
}

// whole reports that as many nodes and routers, and both gateways, serve.
func (s seen) whole(nodes, routers int) bool {
	serving := 0
	for _, r := range s.Routers {
		if s.Placement != nil && r.GetAckedEpoch() == uint64(s.Placement.Epoch()) && !r.GetDraining() {
			serving++
		}
	}
	return serving == routers && len(s.Routers) == routers && len(s.Nodes) == nodes && len(s.Gateways) == 2 && s.Served() > 0
}

// complete reports that the leader misses nothing.
func (s seen) complete() bool { return s.leader != nil && s.leader.GetDegraded() == "" }

func (s seen) placed(node moe.NodeID) bool {
	if s.Placement != nil {
		for _, r := range s.Placement.Nodes() {
			if r.Node == node {
				return true
			}
		}
	}
	return false
}

const (
	// awaitWithin bounds one wait: leases, loading and publishing.
	awaitWithin = 3 * time.Minute
	look        = 50 * time.Millisecond
)

// await looks at the cluster until a condition is true.
func (m *measurement) await(ctx context.Context, what string, ok func(seen) bool) error {
	deadline := time.Now().Add(awaitWithin)
	for {
		s, err := m.see(ctx)
		if err == nil && ok(s) {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("not within %v: %s: %w", awaitWithin, what, err)
		}
		if err := measure.Pause(ctx, look); err != nil {
			return err
		}
	}
}

// see reads the records, and notes how many nodes serve.
func (m *measurement) see(ctx context.Context) (seen, error) {
	view, err := m.cluster.View(ctx)
	if err != nil {
		return seen{}, err
	}
	s := seen{View: view, nodes: map[string]*hachiv1.NodeRecord{}}
	for _, n := range view.Nodes {
		s.nodes[n.GetNodeId()] = n
	}
	if s.leader, err = view.AskStatus(ctx); err != nil {
		s.leader = nil // it may be restarting
	}
	if n := len(m.serving); view.Placement != nil && !m.began.IsZero() {
		if now := len(view.Placement.Nodes()); n == 0 || m.serving[n-1].Nodes != now {
			m.serving = append(m.serving, Serving{AtS: time.Since(m.began).Seconds(), Nodes: now})
		}
	}
	return s, nil
}
