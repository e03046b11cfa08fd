package batcher

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/hachi-serve/hachi/internal/backend"
	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/moe"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const hidden = 4

// expert adds its id to every value. It notes what it computed together, and
// when gate is not nil it waits for a value.
type expert struct {
	gate    chan error
	missing int // an expert that is not loaded; 0 is none

	mu      sync.Mutex // guards the fields below
	batches []string
}

func (f *expert) Run(ctx context.Context, layer int, groups []moe.Group, x, y []byte) error {
	return backend.EachExpert{Hidden: hidden, Wire: tensor.F32, Expert: f.compute}.Run(ctx, layer, groups, x, y)
}

func (f *expert) compute(id moe.ExpertID, x, y tensor.Matrix) error {
	if f.missing > 0 && id.Expert == f.missing {
		return &moe.Error{Op: id.String(), Kind: moe.NotHosted}
	}
	f.mu.Lock()
	f.batches = append(f.batches, fmt.Sprintf("%v:%d", id, x.Rows))
	f.mu.Unlock()
	if f.gate != nil {
		if err := <-f.gate; err != nil {
			return err
		}
	}
	for i, v := range x.Data {
		y.Data[i] = v + float32(id.Expert)
	}
	return nil
}

func (f *expert) computed() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return fmt.Sprint(f.batches)
}

// pending is a task under test.
type pending struct {
	Task
	ended []error // what Done was called with
}

// task asks each expert of layer 0 for the same rows, whose first value is
// the row's number.
func task(from moe.RouterID, rows int, experts ...int) *pending {
	all := make([]int32, rows)
	x := make([]float32, rows*hidden)
	for i := range all {
		all[i], x[i*hidden] = int32(i), float32(i)
	}
	c := &moe.Call{Router: from, Rows: rows, X: make([]byte, len(x)*4)}
	tensor.Encode(c.X, x, tensor.F32)
	for _, e := range experts {
		c.Groups = append(c.Groups, moe.Group{Expert: e, Index: all})
	}
	p := &pending{Task: Task{Call: c, Y: make([]byte, c.OutRows()*hidden*4)}}
	p.Done = func(err error) { p.ended = append(p.ended, err) }
	return p
}

// check compares the answer.
func (p *pending) check(t *testing.T) {
	t.Helper()
	if len(p.ended) != 1 || p.ended[0] != nil {
		t.Fatalf("ended with %v, want success once", p.ended)
	}
	y := make([]float32, len(p.Y)/4)
	tensor.Decode(y, p.Y, tensor.F32)
	at := 0
	for _, g := range p.Call.Groups {
		for _, row := range g.Index {
			if y[at] != float32(row)+float32(g.Expert) || y[at+1] != float32(g.Expert) {
				t.Fatalf("expert %d row %d: %v", g.Expert, row, y[at:at+hidden])
			}
			at += hidden
		}
	}
}

// start runs a batcher in a synctest bubble; the returned function ends it.
func start(f model.FFN, queueRows, batchRows int) (*Batcher, func()) {
	b := New(Config{FFN: f, RowBytes: 4 * hidden, QueueRows: queueRows, BatchRows: batchRows})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); b.Run(ctx) }()
	return b, func() { cancel(); <-done }
}

func TestWaitingCallsOfOneLayerAreComputedTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &expert{gate: make(chan error)}
		b, stop := start(f, 100, 10)
		defer stop()
		tasks := []*pending{task("a", 1, 0), task("a", 2, 1, 2), task("b", 3, 2), task("c", 6, 2), task("b", 2, 1)}
		for _, p := range tasks {
			if err := b.Submit(&p.Task); err != nil {
				t.Fatal(err)
			}
			synctest.Wait() // the first starts at once: nothing is waited for
		}
		for range 4 {
			f.gate <- nil
			synctest.Wait()
		}
		for _, p := range tasks {
			p.check(t)
		}
		// 15 rows wait where 10 fit: the call of c waits for the next batch, and the
		// second of b takes its place.
		if got, want := f.computed(), "[L0/E0:1 L0/E1:4 L0/E2:5 L0/E2:6]"; got != want {
			t.Errorf("computed %s, want %s", got, want)
		}
		if got := b.Progress(); got != (Progress{Computed: 6}) {
			t.Errorf("progress %+v", got)
		}
	})
}

func TestRoutersTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &expert{gate: make(chan error)}
		b, stop := start(f, 100, 10)
		defer stop()
		var tasks []*pending
		submit := func(p *pending) {
			tasks = append(tasks, p)
			if err := b.Submit(&p.Task); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		at := func(layer int, p *pending) *pending {
			p.Call.Layer = layer // calls of one layer would be computed together
			return p
		}
		for layer := range 6 {
			submit(at(layer, task("greedy", 1, 0)))
		}
		submit(at(6, task("modest", 1, 0)))
		submit(at(7, task("modest", 1, 0)))
		for range 8 {
			f.gate <- nil
			synctest.Wait()
		}
		if got, want := f.computed(), "[L0/E0:1 L1/E0:1 L6/E0:1 L2/E0:1 L7/E0:1 L3/E0:1 L4/E0:1 L5/E0:1]"; got != want {
			t.Errorf("computed %s, want %s", got, want)
		}
	})
}

func TestQueueIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &expert{gate: make(chan error)}
		b, stop := start(f, 10, 10)
		defer stop()
		large := task("a", 12, 0) // by itself, so it is let in
		if err := b.Submit(&large.Task); err != nil {
			t.Fatal(err)
		}
		small := task("a", 1, 1)
		if err := b.Submit(&small.Task); moe.KindOf(err) != moe.Busy || err == nil {
			t.Errorf("beyond the bound: %v, want busy", err)
		}
		f.gate <- nil
		synctest.Wait()
		if err := b.Submit(&small.Task); err != nil {
			t.Errorf("after the queue ran empty: %v", err)
		}
		f.gate <- nil
		synctest.Wait()
		large.check(t)
		small.check(t)
		if got := b.Progress(); got != (Progress{Computed: 2, Rejected: 1}) {
			t.Errorf("progress %+v", got)
		}
	})
}

// slow takes a second for a row.
type slow struct{}

func (slow) Run(_ context.Context, _ int, groups []moe.Group, _, _ []byte) error {
	for _, g := range groups {
		time.Sleep(time.Duration(len(g.Index)) * time.Second)
	}
	return nil
}

func TestBusySaysWhenToComeBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, stop := start(slow{}, 10, 10)
		defer stop()
		p := task("a", 1, 0)
		if err := b.Submit(&p.Task); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
		p = task("a", 8, 0)
		if err := b.Submit(&p.Task); err != nil {
			t.Fatal(err)
		}
		for _, tt := range []struct {
			rows int
			want time.Duration
		}{{3, time.Second}, {6, 4 * time.Second}, {50, 8 * time.Second}} {
			p := task("b", tt.rows, 1)
			var busy *moe.Error
			if err := b.Submit(&p.Task); !errors.As(err, &busy) || busy.RetryAfter != tt.want {
				t.Errorf("%d rows: %v after %v, want %v", tt.rows, err, busy.RetryAfter, tt.want)
			}
		}
		time.Sleep(10 * time.Second)
	})
}

func TestCanceledTaskLeavesTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &expert{gate: make(chan error)}
		b, stop := start(f, 10, 10)
		defer stop()
		running, waiting, last := task("a", 2, 0, 1), task("a", 6, 2), task("a", 6, 3)
		for _, p := range []*pending{running, waiting} {
			if err := b.Submit(&p.Task); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		if !b.Cancel(&waiting.Task) {
			t.Error("a task that waits is not over after its cancel")
		}
		if b.Cancel(&waiting.Task) {
			t.Error("a canceled task ended twice")
		}
		if err := b.Submit(&last.Task); err != nil {
			t.Errorf("the room of a canceled task is not free: %v", err)
		}
		if b.Cancel(&running.Task) {
			t.Error("a task that is being computed is over")
		}
		f.gate <- nil // the running job of running
		f.gate <- nil // last
		synctest.Wait()
		last.check(t)
		if len(waiting.ended) != 0 {
			t.Errorf("the canceled task ended with %v", waiting.ended)
		}
		if len(running.ended) != 1 || !errors.Is(running.ended[0], context.Canceled) {
			t.Errorf("the task canceled while computed ended with %v", running.ended)
		}
		if b.Cancel(&last.Task) {
			t.Error("a finished task ended again")
		}
		if got, want := f.computed(), "[L0/E0:2 L0/E3:6]"; got != want {
			t.Errorf("computed %s, want %s", got, want)
		}
	})
}

func TestFailedTaskEndsAtItsFirstExpert(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &expert{gate: make(chan error)}
		b, stop := start(f, 100, 10)
		defer stop()
		fails, lives := task("a", 1, 0, 1), task("b", 1, 0, 2)
		for _, p := range []*pending{fails, lives} {
			if err := b.Submit(&p.Task); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		gone := &moe.Error{Kind: moe.NotHosted}
		f.gate <- gone
		f.gate <- nil
		f.gate <- nil
		synctest.Wait()
		if len(fails.ended) != 1 || !errors.Is(fails.ended[0], gone) {
			t.Errorf("ended with %v, want %v", fails.ended, gone)
		}
		lives.check(t)
		if got, want := f.computed(), "[L0/E0:1 L0/E0:1 L0/E2:1]"; got != want {
			t.Errorf("computed %s, want %s", got, want)
		}
	})
}

// TestFailedTaskDoesNotFailItsBatch: two calls wait together, and one of them
// asks for an expert that is not there.
func TestFailedTaskDoesNotFailItsBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &expert{gate: make(chan error), missing: 3}
		b, stop := start(f, 100, 10)
		defer stop()
		first, fails, lives := task("a", 1, 0), task("a", 1, 1, 3), task("b", 2, 1, 2)
		for _, p := range []*pending{first, fails, lives} {
			if err := b.Submit(&p.Task); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		for range 6 { // first; the batch up to expert 2; fails up to expert 1; lives
			f.gate <- nil
		}
		synctest.Wait()
		if len(fails.ended) != 1 || moe.KindOf(fails.ended[0]) != moe.NotHosted {
			t.Errorf("ended with %v, want not hosted", fails.ended)
		}
		first.check(t)
		lives.check(t)
		if got, want := f.computed(), "[L0/E0:1 L0/E1:3 L0/E2:2 L0/E1:1 L0/E1:2 L0/E2:2]"; got != want {
			t.Errorf("computed %s, want %s", got, want)
		}
	})
}

// TestCancelOfOneTaskDoesNotEndItsBatch: a batch ends early only when all its
// tasks have been canceled.
func TestCancelOfOneTaskDoesNotEndItsBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &expert{gate: make(chan error)}
		b, stop := start(f, 100, 10)
		defer stop()
		first, gone, lives := task("a", 1, 0), task("a", 1, 1, 2), task("b", 2, 1, 2)
		for _, p := range []*pending{first, gone, lives} {
			if err := b.Submit(&p.Task); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		f.gate <- nil
		synctest.Wait()
		if b.Cancel(&gone.Task) || b.Cancel(&gone.Task) {
			t.Error("a task that is being computed is over")
		}
		f.gate <- nil
		f.gate <- nil
		synctest.Wait()
		if len(gone.ended) != 1 {
			t.Errorf("the canceled task ended with %v, want one answer", gone.ended)
		}
		lives.check(t)
	})
}

func TestEndOfRunEndsEveryTask(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &expert{gate: make(chan error)}
		b, stop := start(f, 100, 10)
		running, waiting, late := task("a", 1, 0), task("a", 1, 1, 2), task("a", 1, 3)
		for _, p := range []*pending{running, waiting} {
			if err := b.Submit(&p.Task); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		go stop()
		synctest.Wait()
		if err := b.Submit(&late.Task); err == nil || moe.KindOf(err) != moe.Draining {
			t.Errorf("after the end: %v, want draining", err)
		}
		f.gate <- nil
		synctest.Wait()
		running.check(t)
		if len(waiting.ended) != 1 || moe.KindOf(waiting.ended[0]) != moe.Draining {
			t.Errorf("the waiting task ended with %v, want draining once", waiting.ended)
		}
	})
}

// TestEveryTaskEndsOnce submits, cancels and closes at random from several
// goroutines.
func TestEveryTaskEndsOnce(t *testing.T) {
	b, stop := start(&expert{}, 40, 16)
	var all sync.WaitGroup
	for g := range 4 {
		all.Go(func() {
			rng := rand.New(rand.NewPCG(1, uint64(g)))
			for i := range 300 {
				experts := slices.Sorted(slices.Values(rng.Perm(4)[:1+rng.IntN(3)]))
				p := task(moe.RouterID(fmt.Sprint(g%2)), 1+rng.IntN(4), experts...)
				over := make(chan error, 2)
				p.Done = func(err error) { over <- err }
				if b.Submit(&p.Task) != nil {
					continue
				}
				if rng.IntN(3) == 0 && b.Cancel(&p.Task) {
					continue
				}
				if err := <-over; err == nil {
					p.ended = []error{nil}
					p.check(t)
				} else if !errors.Is(err, context.Canceled) && moe.KindOf(err) != moe.Draining {
					t.Errorf("task ended with %v", err)
				}
				if g == 0 && i == 250 {
					go stop()
				}
			}
		})
	}
	all.Wait()
	stop()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.rows != 0 || !b.queue.empty() {
		t.Errorf("%d rows are left", b.rows)
	}
}

// nothing computes nothing.
type nothing struct{}

func (nothing) Run(context.Context, int, []moe.Group, []byte, []byte) error { return nil }

func BenchmarkLoneTask(b *testing.B) {
	bt, stop := start(nothing{}, 1000, 512)
	defer stop()
	p := task("a", 1, 0)
	over := make(chan error)
	p.Done = func(err error) { over <- err }
	b.ReportAllocs()
	for b.Loop() {
		if err := bt.Submit(&p.Task); err != nil {
			b.Fatal(err)
		}
		<-over
	}
}

// panicking is an FFN that panics on calls for expert 0.
type panicking struct{ model.FFN }

func (f panicking) Run(ctx context.Context, layer int, groups []moe.Group, x, y []byte) error {
	if groups[0].Expert == 0 {
		panic("bad call")
	}
	return f.FFN.Run(ctx, layer, groups, x, y)
}

// TestPanicFailsOnlyItsTask: the panic of one call is an error of that call, in a
// batch too, and the batcher computes on.
func TestPanicFailsOnlyItsTask(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, stop := start(panicking{&expert{}}, 100, 10)
		defer stop()
		tasks := []*pending{task("a", 1, 0), task("b", 1, 1), task("c", 1, 0), task("d", 1, 1)}
		for _, p := range tasks {
			if err := b.Submit(&p.Task); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		for i, p := range tasks {
			if i%2 == 1 {
				p.check(t)
				continue
			}
			var cause *moe.Panic
			if len(p.ended) != 1 || moe.KindOf(p.ended[0]) != moe.Internal || !errors.As(p.ended[0], &cause) || cause.Value != "bad call" {
				t.Errorf("task %d ended with %v, want its panic as an internal error", i, p.ended)
			}
		}
	})
}
