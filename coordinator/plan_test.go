package coordinator

import (
	"context"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// TestPlansAreBounded: one is computed at a time, of a bounded number of replicas, and
// none for a request that has ended.
func TestPlansAreBounded(t *testing.T) {
	s := newStore(t)
	reg := s.registry(s.cfg.ClientAddr)
	c := run(t, "c0", reg)
	obeyTwo(t, reg)
	if _, err := c.PlanPlacement(t.Context(), &hachiv1.PlanPlacementRequest{Replicas: maxPlanReplicas + 1}); status.Code(err) != codes.InvalidArgument {
		t.Errorf("%d replicas: %v", maxPlanReplicas+1, err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.PlanPlacement(gone, &hachiv1.PlanPlacementRequest{}); err == nil {
		t.Error("a plan was computed for a request that had ended")
	}
	c.planning.Lock()
	if _, err := c.PlanPlacement(t.Context(), &hachiv1.PlanPlacementRequest{}); status.Code(err) != codes.ResourceExhausted {
		t.Errorf("beside another plan: %v", err)
	}
	c.planning.Unlock()
	if _, err := c.PlanPlacement(t.Context(), &hachiv1.PlanPlacementRequest{}); err != nil {
		t.Errorf("after the other plan: %v", err)
	}
}
