package coordinator

import (
	"context"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/hachi-serve/hachi/internal/moepb"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// publish makes the snapshot that the service answers from while this
// coordinator leads; nil when it does not. A snapshot does not change once it is
// here: service calls read it while Run's goroutine continues with the state.
func (c *Coordinator) publish(s *state) {
	var out *hachiv1.GetStatusResponse
	if s != nil {
		out = c.describe(s, time.Now())
		out.LeaderId = c.cfg.ID
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.snapshot = out
}

// describe is the cluster as a state sees it.
func (c *Coordinator) describe(s *state, now time.Time) *hachiv1.GetStatusResponse {
	out := &hachiv1.GetStatusResponse{
		CoordinatorId: c.cfg.ID, Policy: string(s.rules.policy), Replicas: uint32(s.rules.replicas),
		Degraded: s.degraded(), Routers: s.routers, NodesNeeded: uint32(s.demand.nodes), BusyNodes: s.busy.busy(),
	}
	var serving map[moe.NodeID]moe.Shard
	if s.placement != nil {
		out.Epoch, serving = uint64(s.placement.Epoch()), placed(s.placement)
	}
	for _, id := range s.ids() {
		m := s.members[id]
		n := &hachiv1.NodeStatus{Record: m.record, State: hachiv1.NodeState_NODE_STATE_IDLE, ServingExperts: uint32(len(serving[id]))}
		switch {
		case s.isDraining(id):
			n.State = hachiv1.NodeState_NODE_STATE_DRAINING
		case len(s.target.Shards[id].Minus(m.resident)) > 0:
			n.State = hachiv1.NodeState_NODE_STATE_LOADING
		case n.ServingExperts > 0:
			n.State = hachiv1.NodeState_NODE_STATE_SERVING
		}
		out.Nodes = append(out.Nodes, n)
	}
	rows, over := s.meter.rows(now)
	if seconds := over.Seconds(); seconds > 0 {
		out.WindowSeconds, out.StepsPerSecond = seconds, s.meter.steps(now)/seconds
		for _, n := range rows {
			out.RowsPerSecond = append(out.RowsPerSecond, n/seconds)
		}
	}
	return proto.CloneOf(out)
}

// Leading is how the leader sees the cluster; nil when another coordinator leads. The
// caller must not change it.
func (c *Coordinator) Leading() *hachiv1.GetStatusResponse { return c.leading() }

// leading is the leader's snapshot; nil when another leads.
func (c *Coordinator) leading() *hachiv1.GetStatusResponse {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.snapshot
}

// GetStatus implements the service. A coordinator that does not lead reads etcd
// and judges as a leader at the start of its term: the grace runs, so only an
// announced absence is a loss, and no load is measured yet.
func (c *Coordinator) GetStatus(ctx context.Context, _ *hachiv1.GetStatusRequest) (*hachiv1.GetStatusResponse, error) {
	if s := c.leading(); s != nil {
		return c.markSilent(proto.CloneOf(s)), nil
	}
	select {
	case c.looking <- struct{}{}:
		defer func() { <-c.looking }()
	case <-ctx.Done():
		return nil, status.FromContextError(ctx.Err()).Err()
	}
	s, err := c.look(ctx, c.rules())
	if err != nil {
		return nil, err
	}
	leader, err := c.leader(ctx)
	if err != nil {
		return nil, err
	}
	s.decide(time.Now()) // for what it notes
	out := c.describe(s, time.Now())
	out.LeaderId, out.NodesNeeded = leader, 0
	return c.markSilent(out), nil
}

// markSilent marks the nodes that gossip hears no more, as of now: a snapshot is as old as
// the last record that changed.
func (c *Coordinator) markSilent(s *hachiv1.GetStatusResponse) *hachiv1.GetStatusResponse {
	for _, n := range s.GetNodes() {
		n.Silent = c.cfg.Silent != nil && c.cfg.Silent(moe.NodeID(n.GetRecord().GetNodeId()))
	}
	return s
}

// GetPlacement implements the service.
func (c *Coordinator) GetPlacement(ctx context.Context, _ *hachiv1.GetPlacementRequest) (*hachiv1.GetPlacementResponse, error) {
	p, _, err := c.cfg.Registry.Placement(ctx)
	if err != nil {
		return nil, status.Errorf(codes.Unavailable, "read the placement: %v", err)
	}
	if p == nil {
		return nil, status.Error(codes.NotFound, "no placement is published yet")
	}
	return &hachiv1.GetPlacementResponse{Placement: moepb.PlacementToProto(p)}, nil
}

// DrainNode implements the service. The request is a key of its own, which needs
// no fence: it names one run of the node, so that writing it twice is harmless,
// and every later leader reads it.
func (c *Coordinator) DrainNode(ctx context.Context, r *hachiv1.DrainNodeRequest) (*hachiv1.DrainNodeResponse, error) {
	if err := c.mustLead(ctx); err != nil {
		return nil, err
	}
	records, err := c.cfg.Registry.Nodes(ctx)
	if err != nil {
		return nil, status.Errorf(codes.Unavailable, "read the nodes: %v", err)
	}
	node := moe.NodeID(r.GetNodeId())
	for _, n := range records {
		if n.GetNodeId() != r.GetNodeId() {
			continue
		}
		if r.GetUndo() {
			err = c.cfg.Registry.Undrain(ctx, node)
		} else {
			err = c.cfg.Registry.Drain(ctx, node, n.GetStartedUnixNano())
		}
		if err != nil {
			return nil, status.Errorf(codes.Unavailable, "write the request: %v", err)
		}
		return &hachiv1.DrainNodeResponse{}, nil
	}
	return nil, status.Errorf(codes.NotFound, "no node is called %.100q", node)
}

// lookTimeout bounds the reading of etcd for an answer.
const lookTimeout = 5 * time.Second

// look makes a state of what is in etcd now.
func (c *Coordinator) look(ctx context.Context, r rules) (*state, error) {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	unavailable := func(what string, err error) error {
		return status.Errorf(codes.Unavailable, "read %s: %v", what, err)
	}
	reg := c.cfg.Registry
	w, err := reg.ReadState(ctx)
	if err != nil {
		return nil, unavailable("target and placement", err)
	}
	nodes, err := reg.Nodes(ctx)
	if err != nil {
		return nil, unavailable("the nodes", err)
	}
	routers, err := reg.Routers(ctx)
	if err != nil {
		return nil, unavailable("the routers", err)
	}
	loads, err := reg.Loads(ctx)
	if err != nil {
		return nil, unavailable("the loads", err)
	}
	drains, err := reg.Drains(ctx)
	if err != nil {
		return nil, unavailable("the drains", err)
	}
	now := time.Now()
	s := newState(r, written{w.Target, w.TargetKnown, w.Placement}, 0, c.cfg.Alive, now)
	s.observeNodes(nodes, 0, now)
	s.observeRouters(routers)
	s.observeLoads(loads, now)
	s.observeDrains(drains)
	return s, nil
}

// leader names the coordinator that leads; empty if none does. The election
// orders its candidates by create revision, and the oldest key leads.
func (c *Coordinator) leader(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	all, err := c.cfg.Registry.Coordinators(ctx)
	if err != nil {
		return "", status.Errorf(codes.Unavailable, "read the election: %v", err)
	}
	if len(all) == 0 {
		return "", nil
	}
	return all[0].GetCoordinatorId(), nil
}

func (c *Coordinator) mustLead(ctx context.Context) error {
	if c.leading() != nil {
		return nil
	}
	leader, err := c.leader(ctx)
	if err != nil {
		return err
	}
	if leader == "" {
		return status.Error(codes.FailedPrecondition, "no coordinator leads at present")
	}
	return status.Errorf(codes.FailedPrecondition, "%s leads, not %s", leader, c.cfg.ID)
}
