package expertnode

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/expertnode/batcher"
	"github.com/hachi-serve/hachi/moe"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// stuck is an FFN that computes when the test lets it.
type stuck struct{ gate chan struct{} }

func (s stuck) Run(ctx context.Context, layer int, groups []moe.Group, x, y []byte) error {
	<-s.gate
	return twice{}.Run(context.WithoutCancel(ctx), layer, groups, x, y) // computed to the end
}

// ask is a call for all rows of x.
func ask(x []float32, layer int, experts ...int) *moe.Call {
	c := &moe.Call{Fingerprint: "f", Epoch: 3, Layer: layer, Rows: len(x) / hidden, X: make([]byte, 4*len(x))}
	tensor.Encode(c.X, x, tensor.F32)
	for _, e := range experts {
		g := moe.Group{Expert: e}
		for row := range c.Rows {
			g.Index = append(g.Index, int32(row))
		}
		c.Groups = append(c.Groups, g)
	}
	return c
}

// outcome is what a call's done received.
type outcome struct {
	y     []byte
	newer *moe.Placement
	err   error
}

// serve begins a call and returns where its outcome will come.
func (b *bench) serve(c *moe.Call) (<-chan outcome, func() bool) {
	ended := make(chan outcome, 2)
	cancel := b.node.Serve(c, func(r *moe.Reply, err error) {
		if err != nil {
			ended <- outcome{err: err}
			return
		}
		ended <- outcome{y: bytes.Clone(r.Y), newer: r.Newer}
		r.Free()
	})
	return ended, cancel
}

// ready starts a node that holds an expert of each layer.
func ready(t *testing.T, change func(*Config)) *bench {
	b := run(t, func(c *Config) {
		c.Fingerprint = "f"
		if change != nil {
			change(c)
		}
	})
	b.target <- want(e(0, 0), e(0, 2), e(1, 1))
	time.Sleep(time.Second)
	return b
}

func TestServeComputes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := ready(t, nil)
		defer b.stop(t)
		x := []float32{1, 2, 3, 4, 5, 6, 7, 8}
		ended, _ := b.serve(ask(x, 0, 0, 2))
		got := <-ended
		if got.err != nil || got.newer != nil {
			t.Fatal(got.err, got.newer)
		}
		y := make([]float32, len(got.y)/4)
		tensor.Decode(y, got.y, tensor.F32)
		if want := []float32{2, 4, 6, 8, 10, 12, 14, 16, 2, 4, 6, 8, 10, 12, 14, 16}; !slices.Equal(y, want) {
			t.Errorf("got %v, want %v", y, want)
		}
		b.placement <- placed(t, 4)
		synctest.Wait()
		ended, _ = b.serve(ask(x, 1, 1))
		if got := <-ended; got.err != nil || got.newer == nil || got.newer.Epoch() != 4 {
			t.Errorf("a call of an older epoch: %v, %v", got.newer, got.err)
		}
		time.Sleep(2 * reportEvery)
		if node, _, _ := b.record.read(); node.GetRowsServed() != 6 {
			t.Errorf("rows served %v", node.GetRowsServed())
		}
	})
}

// A node may hear of a placement later than its routers do. What it holds it
// serves.
func TestServeComputesForAnEpochAheadOfItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := ready(t, nil)
		defer b.stop(t)
		b.placement <- placed(t, 4)
		synctest.Wait()
		c := ask([]float32{1, 2, 3, 4}, 1, 1)
		c.Epoch = 9
		ended, _ := b.serve(c)
		if got := <-ended; got.err != nil || got.newer != nil || len(got.y) == 0 {
			t.Errorf("a call of a newer epoch: %v, placement %v, %d bytes", got.err, got.newer, len(got.y))
		}
	})
}

func TestServeRefuses(t *testing.T) {
	row := []float32{1, 2, 3, 4}
	tests := []struct {
		name  string
		spoil func(*moe.Call)
		want  moe.Kind
	}{
		{"another model", func(c *moe.Call) { c.Fingerprint = "g" }, moe.Mismatch},
		{"expert not held", func(c *moe.Call) { c.Groups[0].Expert = 1 }, moe.NotHosted},
		{"expert out of range", func(c *moe.Call) { c.Groups[0].Expert = experts }, moe.Invalid},
		{"expert below zero", func(c *moe.Call) { c.Groups[0].Expert = -1 }, moe.Invalid},
		{"experts repeat", func(c *moe.Call) { c.Groups = append(c.Groups, c.Groups[0]) }, moe.Invalid},
		{"layer out of range", func(c *moe.Call) { c.Layer = layers }, moe.Invalid},
		{"layer below zero", func(c *moe.Call) { c.Layer = -1 }, moe.Invalid},
		{"row out of range", func(c *moe.Call) { c.Groups[0].Index = []int32{1} }, moe.Invalid},
		{"row below zero", func(c *moe.Call) { c.Groups[0].Index = []int32{-1} }, moe.Invalid},
		{"short payload", func(c *moe.Call) { c.X = c.X[1:] }, moe.Invalid},
		{"nothing asked", func(c *moe.Call) { c.Groups[0].Index = nil }, moe.Invalid},
		{"no groups", func(c *moe.Call) { c.Groups = nil }, moe.Invalid},
	}
	synctest.Test(t, func(t *testing.T) {
		b := ready(t, nil)
		defer b.stop(t)
		b.placement <- placed(t, 4)
		synctest.Wait()
		for _, tt := range tests {
			c := ask(row, 0, 0)
			tt.spoil(c)
			ended, cancel := b.serve(c)
			got := <-ended
			var e *moe.Error
			if !errors.As(got.err, &e) || e.Kind != tt.want || e.Node != self || e.Newer == nil {
				t.Errorf("%s: %v, want %v with the newest placement", tt.name, got.err, tt.want)
			}
			if cancel != nil {
				t.Errorf("%s: a refused call can be canceled", tt.name)
			}
			c.Epoch = 4
			ended, _ = b.serve(c)
			if got := <-ended; !errors.As(got.err, &e) || e.Newer != nil {
				t.Errorf("%s: a router of the same epoch got %v", tt.name, e.Newer)
			}
		}
	})
}

func TestServeIsBoundedAndCancels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		b := ready(t, func(c *Config) { c.FFN, c.QueueRows = stuck{gate}, 2 })
		row := []float32{1, 2, 3, 4}
		first, _ := b.serve(ask(row, 0, 0)) // takes a second
		time.Sleep(time.Second)
		gate <- struct{}{}
		if got := <-first; got.err != nil {
			t.Error(got.err)
		}
		running, cancelRunning := b.serve(ask(row, 0, 0))
		synctest.Wait()
		waiting, cancelWaiting := b.serve(ask(row, 0, 0))
		refused, _ := b.serve(ask(row, 0, 0))
		var busy *moe.Error
		if got := <-refused; !errors.As(got.err, &busy) || busy.Kind != moe.Busy || busy.RetryAfter != time.Second {
			t.Errorf("beyond the queue: %v, want busy with a hint", got.err)
		}
		if !cancelWaiting() || cancelWaiting() {
			t.Error("a waiting call is canceled once")
		}
		if cancelRunning() {
			t.Error("a call that is computed was taken back")
		}
		last, _ := b.serve(ask(row, 1, 1))
		close(gate)
		if got := <-running; got.err != nil {
			t.Errorf("the call canceled too late: %v", got.err)
		}
		if got := <-last; got.err != nil {
			t.Errorf("the call in the canceled one's room: %v", got.err)
		}
		b.stop(t)
		if len(waiting) != 0 {
			t.Error("a canceled call was answered")
		}
		late, _ := b.serve(ask(row, 0, 0))
		if got := <-late; moe.KindOf(got.err) != moe.Draining {
			t.Errorf("after the end: %v, want draining", got.err)
		}
	})
}

// TestLeaseIsGivenUpOnlyWhenWorkIsTurnedAway: what counts is demand that a
// node does not meet, not that something takes long.
func TestLeaseIsGivenUpOnlyWhenWorkIsTurnedAway(t *testing.T) {
	row := []float32{1, 2, 3, 4}
	held := func(b *bench) bool { _, held, _ := b.record.read(); return held }
	tests := []struct {
		name   string
		demand func(*bench) // once a second
		want   bool
	}{
		{"nothing waits", func(*bench) {}, false},
		{"calls are refused", func(b *bench) {
			b.serve(ask(row, 0, 0))
			b.serve(ask(row, 0, 0))
		}, true},
		{"routers give up", func(b *bench) {
			_, cancel := b.serve(ask(row, 0, 0))
			cancel()
		}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				gate := make(chan struct{})
				b := ready(t, func(c *Config) { c.FFN, c.QueueRows = stuck{gate}, 2 })
				time.Sleep(time.Hour) // idle
				b.serve(ask(row, 0, 0))
				b.serve(ask(row, 1, 1)) // waits
				synctest.Wait()
				time.Sleep(time.Hour)
				if held(b) {
					t.Error("given up because one call takes long and one waits")
				}
				gate <- struct{}{}
				synctest.Wait()
				for range 2 * int(maxStall/time.Second) {
					tt.demand(b)
					time.Sleep(time.Second)
				}
				if held(b) != tt.want {
					t.Errorf("held %v, want %v", held(b), tt.want)
				}
				close(gate)
				time.Sleep(2 * reportEvery)
				if held(b) {
					t.Error("not taken back when the node moves again")
				}
				b.stop(t)
			})
		})
	}
}

func TestWatchdogForgetsWhatWasTurnedAwayBeforeProgress(t *testing.T) {
	var w watchdog
	at := func(seconds int, computed, turned uint64) bool {
		return w.stuck(time.Unix(1000, 0).Add(time.Duration(seconds)*time.Second), batcher.Progress{Computed: computed, Rejected: turned})
	}
	for i, step := range []struct {
		seconds          int
		computed, turned uint64
		want             bool
	}{
		{0, 1, 0, false}, {3600, 1, 0, false}, {3601, 1, 1, false}, {3631, 1, 9, false}, {3632, 1, 9, true},
		{3633, 2, 9, false}, {7200, 2, 9, false}, {7201, 2, 10, false}, {7240, 2, 10, true},
	} {
		if got := at(step.seconds, step.computed, step.turned); got != step.want {
			t.Errorf("step %d: %v", i, got)
		}
	}
}

// TestTasksOfAnUnloadedExpertAreNotHosted: a call that was queued before.
func TestTasksOfAnUnloadedExpertAreNotHosted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := ready(t, func(c *Config) { c.FFN = gone{} })
		defer b.stop(t)
		ended, _ := b.serve(ask([]float32{1, 2, 3, 4}, 0, 0))
		if got := <-ended; moe.KindOf(got.err) != moe.NotHosted {
			t.Errorf("got %v, want not hosted", got.err)
		}
	})
}

// gone is an FFN without experts.
type gone struct{}

func (gone) Run(context.Context, int, []moe.Group, []byte, []byte) error {
	return &moe.Error{Op: "experts", Kind: moe.NotHosted}
}
