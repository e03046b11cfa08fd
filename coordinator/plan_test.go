package coordinator

import (
	"context"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/hachi-serve/hachi/internal/coordinator/planner"
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

// TestAStandbyComputesOneStatusAtATime: who asks it often makes it compute no more at once.
func TestAStandbyComputesOneStatusAtATime(t *testing.T) {
	s := newStore(t)
	c := New(Config{ID: "c0", Registry: s.registry(s.cfg.ClientAddr), Policy: planner.Balanced, Replicas: 1, TTL: time.Minute})
	c.looking <- struct{}{}
	ended, end := context.WithCancel(t.Context())
	end()
	if _, err := c.GetStatus(ended, &hachiv1.GetStatusRequest{}); status.Code(err) != codes.Canceled {
		t.Errorf("beside another call: %v", err)
	}
	<-c.looking
	if _, err := c.GetStatus(t.Context(), &hachiv1.GetStatusRequest{}); err != nil {
		t.Errorf("after it: %v", err)
	}
}
