package inproc

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"

	"go.uber.org/goleak"

	"github.com/hachi-serve/hachi/moe"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// held is a handler that keeps what it was given and lets the test answer.
type held struct {
	call     *moe.Call
	done     func(*moe.Reply, error)
	canceled int
}

func (h *held) Serve(c *moe.Call, done func(*moe.Reply, error)) func() bool {
	h.call, h.done = c, done
	return func() bool { h.canceled++; return true }
}

// atOnce answers before Serve returns.
type atOnce struct{ err error }

func (a atOnce) Serve(c *moe.Call, done func(*moe.Reply, error)) func() bool {
	if a.err != nil {
		done(nil, a.err)
	} else {
		done(&moe.Reply{Y: c.X}, nil)
	}
	return nil
}

var to = moe.Replica{Node: "n", Addr: "anywhere"}

func twoRows() *moe.Call {
	return &moe.Call{Rows: 2, X: []byte{1, 2, 3, 4}, Groups: []moe.Group{{Expert: 1, Index: []int32{0, 1}}}}
}

func TestNeitherSideKeepsTheOthersMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &held{}
		n := NewNetwork()
		n.Connect("n", h)
		c, released := twoRows(), 0
		c.Release = func() { released++ }
		var got *moe.Reply
		ended := make(chan error)
		go func() {
			var err error
			got, err = moe.Await(t.Context(), n, to, c)
			ended <- err
		}()
		synctest.Wait()
		if released != 1 || h.call.Release != nil {
			t.Errorf("rows released %d times", released)
		}
		c.X[0], c.Groups[0].Index[0] = 99, 99
		if h.call.X[0] != 1 || h.call.Groups[0].Index[0] != 0 {
			t.Error("the handler sees the caller's memory")
		}
		y, freed := []byte{7, 8}, 0
		h.done(&moe.Reply{Y: y, Queue: 3, Release: func() { freed++ }}, nil)
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		y[0] = 99
		if !bytes.Equal(got.Y, []byte{7, 8}) || got.Queue != 3 || freed != 1 {
			t.Errorf("reply %+v, freed %d times", got, freed)
		}
		got.Free()
	})
}

func TestCallReturnsWhenItsContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &held{}
		n := NewNetwork()
		n.Connect("n", h)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { _, err := moe.Await(ctx, n, to, twoRows()); ended <- err }()
		synctest.Wait()
		cancel()
		if err := <-ended; moe.KindOf(err) != moe.Unreachable || !errors.Is(err, context.Canceled) || h.canceled != 1 {
			t.Errorf("ended with %v, canceled %d times", err, h.canceled)
		}
		h.done(nil, errors.New("too late"))
		if _, err := moe.Await(ctx, n, to, twoRows()); moe.KindOf(err) != moe.Unreachable {
			t.Errorf("a context that ended before: %v", err)
		}
	})
}

func TestOutcomes(t *testing.T) {
	n := NewNetwork()
	busy := &moe.Error{Kind: moe.Busy}
	if _, err := moe.Await(t.Context(), n, to, twoRows()); moe.KindOf(err) != moe.Unreachable {
		t.Errorf("no such node: %v", err)
	}
	n.Connect("n", atOnce{busy})
	if _, err := moe.Await(t.Context(), n, to, twoRows()); !errors.Is(err, busy) {
		t.Errorf("got %v, want the handler's error", err)
	}
	n.Connect("n", atOnce{})
	if got, err := moe.Await(t.Context(), n, to, twoRows()); err != nil || !slices.Equal(got.Y, twoRows().X) {
		t.Errorf("got %v, %v", got, err)
	}
	n.Disconnect("n")
	if _, err := moe.Await(t.Context(), n, to, twoRows()); moe.KindOf(err) != moe.Unreachable {
		t.Errorf("a node that was disconnected: %v", err)
	}
}

// TestDisconnectCutsCallsOff: a call of a dead node ends at once, and what the
// node still computes goes nowhere.
func TestDisconnectCutsCallsOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &held{}
		n := NewNetwork()
		n.Connect("n", h)
		ended := make(chan error)
		go func() { _, err := moe.Await(t.Context(), n, to, twoRows()); ended <- err }()
		synctest.Wait()
		n.Disconnect("n")
		if err := <-ended; moe.KindOf(err) != moe.Unreachable {
			t.Errorf("the call ended with %v", err)
		}
		freed := 0
		h.done(&moe.Reply{Release: func() { freed++ }}, nil)
		if freed != 1 {
			t.Errorf("the late reply was freed %d times", freed)
		}
		n.Disconnect("n")
	})
}
