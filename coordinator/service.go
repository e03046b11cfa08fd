package coordinator

import (
	"context"
	"maps"
	"slices"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/hachi-serve/hachi/coordinator/planner"
	"github.com/hachi-serve/hachi/moe"
	"github.com/hachi-serve/hachi/moe/moepb"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// publish makes the snapshot that the service answers from.
func (c *Coordinator) publish(s *state) {
	out := &hachiv1.GetStatusResponse{
		CoordinatorId: c.cfg.ID, LeaderId: c.cfg.ID, Policy: string(c.cfg.Policy),
		Replicas: uint32(c.cfg.Replicas), Degraded: s.degraded, Routers: s.routers,
	}
	serving := map[moe.NodeID]uint32{}
	if s.placement != nil {
		out.Epoch = uint64(s.placement.Epoch())
		for layer := range s.placement.Layers() {
			for expert := range s.placement.Experts() {
				for _, r := range s.placement.Replicas(moe.ExpertID{Layer: layer, Expert: expert}) {
					serving[r.Node]++
				}
			}
		}
	}
	for _, id := range slices.SortedFunc(maps.Keys(s.nodes), planner.Natural) {
		m := s.nodes[id]
		n := &hachiv1.NodeStatus{Record: m.record, ServingExperts: serving[id], State: hachiv1.NodeState_NODE_STATE_IDLE}
		switch {
		case s.leaving(id, m):
			n.State = hachiv1.NodeState_NODE_STATE_DRAINING
		case len(s.target.Shards[id].Minus(m.resident)) > 0:
			n.State = hachiv1.NodeState_NODE_STATE_LOADING
		case serving[id] > 0:
			n.State = hachiv1.NodeState_NODE_STATE_SERVING
		}
		out.Nodes = append(out.Nodes, n)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.snapshot = proto.CloneOf(out)
}

// GetStatus implements the service.
func (c *Coordinator) GetStatus(context.Context, *hachiv1.GetStatusRequest) (*hachiv1.GetStatusResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return proto.CloneOf(c.snapshot), nil
}

// GetPlacement implements the service.
func (c *Coordinator) GetPlacement(ctx context.Context, _ *hachiv1.GetPlacementRequest) (*hachiv1.GetPlacementResponse, error) {
	p, err := c.cfg.Registry.Placement(ctx)
	if err != nil {
		return nil, status.Errorf(codes.Unavailable, "read the placement: %v", err)
	}
	if p == nil {
		return nil, status.Error(codes.NotFound, "no placement is published yet")
	}
	return &hachiv1.GetPlacementResponse{Placement: moepb.PlacementToProto(p)}, nil
}

// DrainNode implements the service.
func (c *Coordinator) DrainNode(ctx context.Context, r *hachiv1.DrainNodeRequest) (*hachiv1.DrainNodeResponse, error) {
	if err := c.mustLead(); err != nil {
		return nil, err
	}
	records, err := c.cfg.Registry.Nodes(ctx)
	if err != nil {
		return nil, status.Errorf(codes.Unavailable, "read the nodes: %v", err)
	}
	known := slices.ContainsFunc(records, func(n *hachiv1.NodeRecord) bool { return n.GetNodeId() == r.GetNodeId() })
	if !known {
		return nil, status.Errorf(codes.NotFound, "no node is called %q", r.GetNodeId())
	}
	if err := c.cfg.Registry.Drain(ctx, moe.NodeID(r.GetNodeId())); err != nil {
		return nil, status.Errorf(codes.Unavailable, "write the request: %v", err)
	}
	return &hachiv1.DrainNodeResponse{}, nil
}

// PlanPlacement implements the service.
func (c *Coordinator) PlanPlacement(ctx context.Context, r *hachiv1.PlanPlacementRequest) (*hachiv1.PlanPlacementResponse, error) {
	policy, replicas := c.cfg.Policy, c.cfg.Replicas
	if p := planner.Policy(r.GetPolicy()); p != "" {
		policy = p
	}
	if policy != planner.Column && policy != planner.Balanced {
		return nil, status.Errorf(codes.InvalidArgument, "policy %q, expected column or balanced", policy)
	}
	if r.GetReplicas() > 0 {
		replicas = int(r.GetReplicas())
	}
	records, err := c.cfg.Registry.Nodes(ctx)
	if err != nil {
		return nil, status.Errorf(codes.Unavailable, "read the nodes: %v", err)
	}
	now := time.Now()
	s := newState(rules{policy: policy, replicas: replicas, ttl: c.cfg.TTL}, now, c.cfg.Alive)
	s.observeNodes(records, now)
	live := s.live(now)
	shape := s.shape(live)
	if shape == nil {
		return nil, status.Error(codes.FailedPrecondition, "there are no nodes")
	}
	target := s.plan(live, shape, s.epoch(live)+1)
	return &hachiv1.PlanPlacementResponse{Target: moepb.TargetToProto(target)}, nil
}

func (c *Coordinator) mustLead() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.leading {
		return status.Error(codes.FailedPrecondition, "this coordinator does not lead")
	}
	return nil
}
