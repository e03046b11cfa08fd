package placement

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/hachi-serve/hachi/internal/bench/cluster"
	"github.com/hachi-serve/hachi/internal/bench/measure"
	"github.com/hachi-serve/hachi/internal/cluster/registry"
	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/coordinator/planner"
	"github.com/hachi-serve/hachi/internal/identity"
	"github.com/hachi-serve/hachi/internal/moepb"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// plan is the placement of a policy, with a number of replicas.
type plan struct {
	policy   string
	copies   int // of each expert
	replicas [][]moe.Replica
	experts  []int // of each node
	score    *hachiv1.PlanScore
}

// plan decodes by a column placement with one copy of each expert, reports the rows
// to the leader as a router does, and asks it for the placements.
func (m *measurement) plan(ctx context.Context) error {
	column, err := m.ask(ctx, string(planner.Column), 1, 0)
	if err != nil {
		return err
	}
	if err := m.adopt(column.replicas); err != nil {
		return err
	}
	load, stop, err := m.reportLoad(ctx)
	if err != nil {
		return err
	}
	defer stop()
	logits := tensor.NewMatrix(m.c.Sequences, m.model.Vocab)
	for range m.c.WarmUp {
		if err := m.step(ctx, min(m.c.MicroBatches[0], m.c.Sequences), cluster.DrawBatch(m.random, m.model.Vocab, m.c.Sequences, m.c.Context), logits); err != nil {
			return fmt.Errorf("warm-up: %w", err)
		}
		load.Update(func(r *hachiv1.RouterLoad) { r.RowsSent, r.Steps = m.core.Dispatcher.Counts(), m.steps })
	}
	if err := m.known(ctx); err != nil {
		return err
	}
	for _, policy := range m.c.Policies {
		for _, replicas := range m.c.Replicas {
			p, err := m.ask(ctx, policy, replicas, m.c.Up.Placement.Redundant)
			if err != nil {
				return err
			}
			m.plans = append(m.plans, p)
		}
	}
	return nil
}

// reportLoad opens the record of what the core has sent.
func (m *measurement) reportLoad(ctx context.Context) (_ *registry.LoadSession, stop func(), err error) {
	where, err := m.core.Local.Where()
	if err != nil {
		return nil, nil, err
	}
	if m.core.Certificates != "" {
		if where.By, err = identity.Open(m.core.Certificates, nil); err != nil {
			return nil, nil, err
		}
	}
	store, err := where.Store(nil)
	if err != nil {
		return nil, nil, err
	}
	session := where.Registry(store, registry.Options{TTL: registry.DefaultTTL}).RegisterLoad(ctx, &hachiv1.RouterLoad{
		RouterId: m.core.ID(), Fingerprint: string(m.core.Dispatcher.Placement().Fingerprint()),
		RowsSent: m.core.Dispatcher.Counts(), Steps: m.steps,
	})
	return session, func() { _ = session.Close(context.WithoutCancel(ctx)); store.Close() }, nil
}

// knownWithin is how long reports of load and speed take at most: they are sent every
// second.
const knownWithin = 30 * time.Second

// known keeps the records of the nodes, when the leader has seen the load and the speed of every node.
func (m *measurement) known(ctx context.Context) error {
	deadline := time.Now().Add(knownWithin)
	for {
		view, err := m.core.Local.View(ctx)
		if err != nil {
			return err
		}
		seen, err := view.AskStatus(ctx)
		if err != nil {
			return err
		}
		measured := !slices.ContainsFunc(view.Nodes, func(n *hachiv1.NodeRecord) bool { return n.GetExpertSeconds()+n.GetRowSeconds() == 0 })
		if measured && seen.GetStepsPerSecond() > 0 {
			m.nodes = view.Nodes
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("the leader has not seen load and speeds: %v steps/s", seen.GetStepsPerSecond())
		}
		if err := measure.Pause(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
}

// ask asks the leader what it would place where.
func (m *measurement) ask(ctx context.Context, policy string, replicas, redundant int) (plan, error) {
	view, err := m.core.Local.View(ctx)
	if err != nil {
		return plan{}, err
	}
	answer, err := view.AskPlan(ctx, &hachiv1.PlanPlacementRequest{
		Policy: policy, Replicas: uint32(replicas), RedundantExperts: uint32(redundant), Rebalance: policy != string(planner.Column),
	})
	if err != nil {
		return plan{}, err
	}
	target, err := moepb.TargetFromProto(answer.GetTarget())
	if err != nil {
		return plan{}, err
	}
	out := plan{policy: policy, copies: replicas, score: answer.GetAfter(), replicas: make([][]moe.Replica, m.model.Topology().Experts())}
	for _, n := range view.Nodes {
		id := moe.NodeID(n.GetNodeId())
		for _, expert := range target.Shards[id] {
			i := m.model.Topology().Index(expert)
			out.replicas[i] = append(out.replicas[i], moe.Replica{Node: id, Addr: m.core.Addresses[id]})
		}
		out.experts = append(out.experts, len(target.Shards[id]))
	}
	return out, nil
}
