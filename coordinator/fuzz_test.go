package coordinator

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/hachi-serve/hachi/internal/cluster/memory"
	"github.com/hachi-serve/hachi/internal/cluster/registry"
	"github.com/hachi-serve/hachi/internal/coordinator/planner"
	"github.com/hachi-serve/hachi/internal/eventually"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// leading runs a coordinator that leads three nodes in a store in memory, until the test ends.
func leading(t testing.TB) *Coordinator {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	reg := registry.New(memory.New(), "/test/", registry.Options{TTL: recordTTL})
	for _, id := range []string{"n0", "n1", "n2"} {
		reg.RegisterNode(ctx, &hachiv1.NodeRecord{
			NodeId: id, Addr: id + ":7070", Fingerprint: "fp", ExpertsPerLayer: []uint32{4, 4}, ExpertBytes: 1, StartedUnixNano: 1,
		})
	}
	c := New(Config{
		ID: "c", Addr: "c:7071", Policy: planner.Balanced, Replicas: 1, Expect: 3, TTL: testTTL, Registry: reg, Alive: func(moe.NodeID) bool { return true },
	})
	var running sync.WaitGroup
	running.Go(func() { _ = c.Run(ctx) })
	t.Cleanup(func() { stop(); running.Wait(); reg.Close() })
	eventually.True(t, "the coordinator leads the nodes", func() bool { s := c.Leading(); return s != nil && len(s.GetNodes()) == 3 })
	return c
}

// maxRefusal bounds what a caller makes a coordinator say, and log, bytes.
const maxRefusal = 1 << 10

// refused checks the error of a call.
func refused(t *testing.T, err error, allowed ...codes.Code) {
	t.Helper()
	if err != nil && (!slices.Contains(allowed, status.Code(err)) || len(err.Error()) > maxRefusal) {
		t.Errorf("%d bytes, %.300v", len(err.Error()), err)
	}
}

// FuzzRequests: whatever a plan or a drain asks for, the answer is a plan of the nodes that
// there are, or a short refusal.
func FuzzRequests(f *testing.F) {
	for _, m := range []proto.Message{
		&hachiv1.PlanPlacementRequest{}, &hachiv1.PlanPlacementRequest{Policy: "column", Replicas: 2, Rebalance: true},
		&hachiv1.PlanPlacementRequest{Policy: "eplb", RedundantExperts: 4, Without: []string{"n1"}}, &hachiv1.PlanPlacementRequest{Without: []string{"n0", "n1", "n2"}},
		&hachiv1.PlanPlacementRequest{Replicas: 1 << 31, RedundantExperts: 1 << 31}, &hachiv1.PlanPlacementRequest{Policy: "\x1b[2J"},
		&hachiv1.DrainNodeRequest{NodeId: "n0"}, &hachiv1.DrainNodeRequest{NodeId: "n0", Undo: true}, &hachiv1.DrainNodeRequest{NodeId: "../names/expertnode/n0"},
	} {
		raw, err := proto.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	c := leading(f)
	f.Fuzz(func(t *testing.T, raw []byte) {
		plan, drain := &hachiv1.PlanPlacementRequest{}, &hachiv1.DrainNodeRequest{}
		if proto.Unmarshal(raw, plan) == nil {
			out, err := c.PlanPlacement(t.Context(), plan)
			refused(t, err, codes.InvalidArgument, codes.NotFound, codes.FailedPrecondition)
			for _, n := range out.GetTarget().GetNodes() {
				if node := n.GetNodeId(); !slices.Contains([]string{"n0", "n1", "n2"}, node) || slices.Contains(plan.GetWithout(), node) {
					t.Errorf("%v places experts on %q", plan, node)
				}
			}
		}
		if proto.Unmarshal(raw, drain) == nil {
			_, err := c.DrainNode(t.Context(), drain)
			refused(t, err, codes.NotFound)
			if err == nil {
				drain.Undo = true
				_, err = c.DrainNode(t.Context(), drain)
				refused(t, err)
			}
		}
	})
}

// TestRefusalsRepeatLittleOfARequest: what a caller names comes back in an error, and into
// logs.
func TestRefusalsRepeatLittleOfARequest(t *testing.T) {
	c, long := leading(t), strings.Repeat("x", 1<<20)
	_, err := c.PlanPlacement(t.Context(), &hachiv1.PlanPlacementRequest{Policy: long})
	refused(t, err, codes.InvalidArgument)
	_, err = c.PlanPlacement(t.Context(), &hachiv1.PlanPlacementRequest{Without: []string{long}})
	refused(t, err, codes.NotFound)
	_, err = c.DrainNode(t.Context(), &hachiv1.DrainNodeRequest{NodeId: long})
	refused(t, err, codes.NotFound)
}
