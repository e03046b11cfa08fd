package faulty

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/hachi-serve/hachi/moe"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// echo answers with the call's rows and counts what it saw and gave out.
type echo struct {
	calls, freed, released atomic.Int64
	err                    error
}

func (e *echo) Start(_ moe.Replica, c *moe.Call, t *moe.PendingCall) {
	e.calls.Add(1)
	if c.Release != nil {
		c.Release()
	}
	if e.err != nil {
		t.Done(nil, e.err)
		return
	}
	t.Done(&moe.Reply{Y: slices.Clone(c.X), Release: func() { e.freed.Add(1) }}, nil)
}

func (e *echo) Cancel(*moe.PendingCall) {}

var to = moe.Replica{Node: "n"}

func TestFaults(t *testing.T) {
	const patience = time.Minute
	tests := []struct {
		name  string
		fault Fault
		kind  moe.Kind // Internal is success
		calls int64    // the node saw
		took  time.Duration
		short bool
	}{
		{"nothing", Fault{}, moe.Internal, 1, 0, false},
		{"delayed", Fault{Delay: time.Second}, moe.Internal, 1, time.Second, false},
		{"delayed without end", Fault{Delay: time.Hour}, moe.Unreachable, 0, patience, false},
		{"dropped", Fault{Silent: true}, moe.Unreachable, 0, patience, false},
		{"fails before", Fault{Failing: true, Fail: moe.Busy}, moe.Busy, 0, 0, false},
		{"fails after", Fault{Failing: true, Fail: moe.Corrupt, After: true}, moe.Corrupt, 1, 0, false},
		{"asked twice", Fault{Twice: true}, moe.Internal, 2, 0, false},
		{"half-open", Fault{Mute: true}, moe.Unreachable, 1, patience, false},
		{"late", Fault{Late: 2 * time.Second}, moe.Internal, 1, 2 * time.Second, false},
		{"late without end", Fault{Late: time.Hour}, moe.Unreachable, 1, patience, false},
		{"behind a call that never comes", Fault{Behind: 1}, moe.Unreachable, 1, patience, false},
		{"truncated", Fault{Truncate: true}, moe.Internal, 1, 0, true},
		{"all ways slow", Fault{Delay: time.Second, Late: time.Second, Twice: true}, moe.Internal, 2, 2 * time.Second, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				under := &echo{}
				n := Wrap(under, func(moe.NodeID, int, *moe.Call) Fault { return tt.fault })
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				defer cancel()
				began := time.Now()
				c := &moe.Call{X: []byte{1, 2, 3}, Release: func() { under.released.Add(1) }}
				reply, err := moe.Await(ctx, n, to, c)
				if (err == nil) != (tt.kind == moe.Internal) || moe.KindOf(err) != tt.kind {
					t.Errorf("ended with %v, want %v", err, tt.kind)
				}
				if took := time.Since(began); took != tt.took {
					t.Errorf("took %v, want %v", took, tt.took)
				}
				if err == nil {
					if want := []byte{1, 2, 3}; !slices.Equal(reply.Y, want[:len(reply.Y)]) || (len(reply.Y) == 2) != tt.short {
						t.Errorf("reply %v", reply.Y)
					}
					reply.Free()
				}
				if got := under.calls.Load(); got != tt.calls {
					t.Errorf("the node saw %d calls, want %d", got, tt.calls)
				}
				if got := under.freed.Load(); got != tt.calls {
					t.Errorf("%d replies were freed of %d", got, tt.calls)
				}
				if got := under.released.Load(); got != 1 {
					t.Errorf("rows were released %d times", got)
				}
			})
		})
	}
}

func TestAnswersAreReordered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := Wrap(&echo{}, func(_ moe.NodeID, nth int, _ *moe.Call) Fault {
			return Fault{Behind: []int{2, 1, 0}[nth]}
		})
		var order []string
		var mu sync.Mutex
		for i := range 3 {
			n.Start(to, &moe.Call{}, &moe.PendingCall{Done: func(_ *moe.Reply, err error) {
				mu.Lock()
				defer mu.Unlock()
				order = append(order, fmt.Sprint(i, err))
			}})
			synctest.Wait()
		}
		if !slices.Equal(order, []string{"2 <nil>", "1 <nil>", "0 <nil>"}) {
			t.Errorf("answers came in order %v", order)
		}
	})
}

func TestNodesHaveTheirOwnCounts(t *testing.T) {
	var seen []string
	n := Wrap(&echo{}, func(node moe.NodeID, nth int, c *moe.Call) Fault {
		seen = append(seen, fmt.Sprint(node, nth, c.Layer))
		return Fault{}
	})
	for _, node := range []moe.NodeID{"a", "b", "a"} {
		if _, err := moe.Await(t.Context(), n, moe.Replica{Node: node}, &moe.Call{Layer: 5}); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(seen, []string{"a0 5", "b0 5", "a1 5"}) {
		t.Errorf("the script saw %q", seen)
	}
}

func TestErrorsUnderneathPass(t *testing.T) {
	want := errors.New("no route")
	n := Wrap(&echo{err: want}, func(moe.NodeID, int, *moe.Call) Fault { return Fault{Truncate: true, Twice: true} })
	if _, err := moe.Await(t.Context(), n, to, &moe.Call{}); !errors.Is(err, want) {
		t.Errorf("got %v", err)
	}
}
