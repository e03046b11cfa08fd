package admission

import (
	"context"
	"errors"
	"testing"
)

// TestABudgetIsFullOfBytesNotOfRequests: small requests pass always, large ones while
// their bodies fit together.
func TestABudgetIsFullOfBytesNotOfRequests(t *testing.T) {
	g := New(1<<20, 1)
	first, second, small := g.Pass(), g.Pass(), g.Pass()
	for _, bytes := range []int64{Small, 2 * Small, 1 << 20} { // it grows
		if err := first.Hold(bytes); err != nil {
			t.Fatal(err)
		}
	}
	if err := second.Hold(Small + 1); !errors.Is(err, ErrBusy) {
		t.Errorf("a full budget let a large request in: %v", err)
	}
	if err := errors.Join(small.Hold(Small), small.Work(t.Context())); err != nil {
		t.Errorf("a small request: %v", err)
	}
	first.Leave()
	first.Leave()
	if err := second.Hold(1 << 20); err != nil {
		t.Errorf("the budget is empty again: %v", err)
	}
	if err := g.Pass().Hold(2 * Small); !errors.Is(err, ErrBusy) {
		t.Errorf("leaving twice made room twice: %v", err)
	}
}

// TestWaitingForAWorkerEndsWithTheRequest.
func TestWaitingForAWorkerEndsWithTheRequest(t *testing.T) {
	g := New(1<<20, 1)
	first, second := g.Pass(), g.Pass()
	if err := errors.Join(first.Hold(2*Small), second.Hold(2*Small), first.Work(t.Context()), first.Work(t.Context())); err != nil {
		t.Fatal(err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := second.Work(gone); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	first.Leave()
	if err := second.Work(t.Context()); err != nil {
		t.Error(err)
	}
	second.Leave()
	var none *Budget
	if p := none.Pass(); p.Hold(1<<40) != nil || p.Work(gone) != nil {
		t.Error("a budget that is not there refuses")
	}
}
