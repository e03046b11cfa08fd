package coordinator

import (
	"context"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/hachi-serve/hachi/internal/coordinator/planner"
	"github.com/hachi-serve/hachi/internal/moepb"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// maxPlanReplicas bounds the work of a plan: it grows with the copies of an expert.
const (
	maxPlanReplicas  = 64
	maxPlanRedundant = 4096
)

// PlanPlacement implements the service. It shows what a policy would do with the
// present cluster. It writes nothing, so any coordinator may answer; only the
// leader knows the load.
func (c *Coordinator) PlanPlacement(ctx context.Context, r *hachiv1.PlanPlacementRequest) (*hachiv1.PlanPlacementResponse, error) {
	rules, err := c.planRules(r)
	if err != nil {
		return nil, err
	}
	if !c.planning.TryLock() {
		return nil, status.Error(codes.ResourceExhausted, "another plan is being computed, try again")
	}
	defer c.planning.Unlock()
	s, err := c.look(ctx, rules)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, status.FromContextError(err).Err()
	}
	for _, id := range r.GetWithout() {
		if s.members[moe.NodeID(id)] == nil {
			return nil, status.Errorf(codes.NotFound, "no node is called %.100q", id)
		}
		delete(s.members, moe.NodeID(id))
	}
	now := time.Now()
	s.evict(now)
	roster := s.roster(now)
	shape, ok := s.shape(roster)
	if !ok {
		return nil, status.Error(codes.FailedPrecondition, "there are no nodes")
	}
	in, seen := s.input(roster, shape, now), c.leading()
	judged := underLoad(in, seen)
	if in.Policy != planner.Column {
		in = judged
		s.foresee(&in, seen, r.GetRebalance())
	}
	in.Ended = func() bool { return ctx.Err() != nil }
	plan := planner.Compute(in)
	if err := ctx.Err(); err != nil {
		return nil, status.FromContextError(err).Err()
	}
	return s.dryRun(judged, plan), nil
}

// planRules are the coordinator's own with what a request changes.
func (c *Coordinator) planRules(r *hachiv1.PlanPlacementRequest) (rules, error) {
	rules := c.rules()
	if p := planner.Policy(r.GetPolicy()); p != "" {
		rules.policy = p
	}
	if !slices.Contains(planner.Policies(), string(rules.policy)) {
		return rules, status.Errorf(codes.InvalidArgument, "policy %.100q, expected %s", rules.policy, strings.Join(planner.Policies(), ", "))
	}
	if n := r.GetReplicas(); n > maxPlanReplicas {
		return rules, status.Errorf(codes.InvalidArgument, "%d replicas, expected at most %d", n, maxPlanReplicas)
	} else if n > 0 {
		rules.replicas = int(n)
	}
	if n := r.GetRedundantExperts(); n > maxPlanRedundant {
		return rules, status.Errorf(codes.InvalidArgument, "%d redundant experts, expected at most %d", n, maxPlanRedundant)
	} else if n > 0 {
		rules.redundant = int(n)
	}
	return rules, nil
}

// underLoad is the input with the load that the leader has measured. A column plan is
// judged by it, and does not depend on it.
func underLoad(in planner.Input, seen *hachiv1.GetStatusResponse) planner.Input {
	if rates := seen.GetRowsPerSecond(); len(rates) == in.Topology.Experts() {
		if layers := perLayer(rates, in); minMeasured(layers, in.Topology) > 0 {
			in.Load, in.StepRows = rates, stepRows(layers, seen.GetStepsPerSecond())
		}
	}
	return in
}

// foresee lets a plan move what load asks for.
func (s *state) foresee(in *planner.Input, seen *hachiv1.GetStatusResponse, rebalance bool) {
	if !rebalance {
		return
	}
	in.Moves = planner.Moves{
		Max: -1, Gain: s.rules.balance.gain, LoadSeconds: s.loadSeconds(in.Nodes),
		StepsPerSecond: seen.GetStepsPerSecond(), Horizon: s.rules.balance.horizon.Seconds(),
	}
	for layer := range in.Topology.Layers() {
		in.Moves.Layers = append(in.Moves.Layers, layer)
	}
}

// dryRun describes a plan: what moves, how much, how long it takes, and why.
func (s *state) dryRun(in planner.Input, plan planner.Plan) *hachiv1.PlanPlacementResponse {
	s.notes = nil
	s.explain(in, plan)
	out := &hachiv1.PlanPlacementResponse{
		Target: moepb.TargetToProto(moe.Target{Epoch: s.nextTarget(), Shards: plan.Shards}), Notes: s.notes,
		Before: judge(in), After: judge(planner.Assign(in, plan)), Policy: string(in.Policy), Replicas: uint32(in.Replicas),
	}
	for _, n := range in.Nodes {
		r := s.members[n.ID].record
		p := &hachiv1.PlannedNode{
			NodeId: string(n.ID), ExpertsBefore: uint32(len(n.Assigned)), ExpertsAfter: uint32(len(plan.Shards[n.ID])),
			Bytes: uint64(len(plan.Shards[n.ID])) * r.GetExpertBytes(), CapacityBytes: r.GetCapacityBytes(),
			LoadBytes: uint64(len(plan.Shards[n.ID].Minus(n.Resident))) * r.GetExpertBytes(), Zone: n.Zone,
		}
		if rate := r.GetLoadBytesPerSecond(); rate > 0 {
			p.LoadSeconds = float64(p.LoadBytes) / rate
		}
		out.Nodes = append(out.Nodes, p)
	}
	for _, c := range planner.Explain(in, plan) {
		out.Moves = append(out.Moves, &hachiv1.PlannedMove{
			Layer: uint32(c.Expert.Layer), Expert: uint32(c.Expert.Expert), From: string(c.From), To: string(c.To), Why: c.Why,
		})
	}
	return out
}

// judge says how good what the nodes are assigned is.
func judge(in planner.Input) *hachiv1.PlanScore {
	layers := planner.Score(in)
	out := &hachiv1.PlanScore{StepSeconds: planner.StepSeconds(layers)}
	for layer, l := range layers {
		if l.Imbalance > out.Imbalance {
			out.Imbalance, out.WorstLayer, out.BusiestNode = l.Imbalance, uint32(layer), string(l.Busiest)
		}
	}
	return out
}
