package cpu

import (
	"context"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/moe"
)

func TestRunCoversEveryOutputOnce(t *testing.T) {
	for _, o := range []PoolOptions{{Threads: 1}, {Threads: 3}, {Threads: 4, Spin: 50 * time.Microsecond}} {
		p := NewPool(o)
		for _, n := range []int{0, 1, 2, 31, 32, 33, 100, 1000} {
			for _, grain := range []int{1, 7, 32} {
				seen := make([]atomic.Int32, n)
				p.run(n, grain, func(_ *worker, lo, hi int) {
					if lo%grain != 0 {
						t.Errorf("%d by %d: a range begins at %d", n, grain, lo)
					}
					for i := lo; i < hi; i++ {
						seen[i].Add(1)
					}
				})
				for i := range seen {
					if c := seen[i].Load(); c != 1 {
						t.Fatalf("%d workers, %d by %d: output %d was computed %d times", o.Threads, n, grain, i, c)
					}
				}
			}
		}
		p.Close()
	}
}

// TestRunDoesNotWaitForASleepingWorker: the caller computes the range of a worker
// that does not come.
func TestRunDoesNotWaitForASleepingWorker(t *testing.T) {
	p := NewPool(PoolOptions{Threads: 1})
	defer p.Close()
	asleep := &worker{start: newParker()} // no goroutine waits there
	p.workers, p.ranges, p.share.inside = append(p.workers, asleep), make([]workRange, 2), make([]atomic.Uint64, 2)
	for range 3 {
		sum := 0
		p.run(100, 1, func(_ *worker, lo, hi int) { sum += hi - lo })
		if sum != 100 {
			t.Errorf("%d outputs, want 100", sum)
		}
	}
	p.workers = p.workers[:1]
}

func TestWorkersBeyondTheCoresDoNotSpin(t *testing.T) {
	cores := runtime.GOMAXPROCS(0)
	for threads, want := range map[int]time.Duration{cores: time.Microsecond, cores + 1: 0} {
		p := NewPool(PoolOptions{Threads: threads, Spin: time.Microsecond})
		if got := p.spin; got != want {
			t.Errorf("%d workers on %d cores spin for %v, want %v", threads, cores, got, want)
		}
		p.Close()
	}
}

func TestRunsOfManyGoroutinesTakeTurns(t *testing.T) {
	p := NewPool(PoolOptions{Threads: 2, Spin: time.Microsecond})
	defer p.Close()
	var total atomic.Int64
	done := make(chan struct{})
	for range 4 {
		go func() {
			for range 200 {
				p.run(10, 1, func(_ *worker, lo, hi int) { total.Add(int64(hi - lo)) })
			}
			done <- struct{}{}
		}()
	}
	for range 4 {
		<-done
	}
	if total.Load() != 4*200*10 {
		t.Errorf("%d outputs, want %d", total.Load(), 4*200*10)
	}
}

// newDense is NewDense until the end of the test.
func newDense(t testing.TB, cfg model.Config, w model.DenseWeights, opts DenseOptions, p *Pool) *Dense {
	t.Helper()
	d, err := NewDense(cfg, w, opts, p)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

// smallModel has weights of ones in memory.
func smallModel(t testing.TB, p *Pool) (*Dense, *Experts, model.Config) {
	t.Helper()
	cfg := model.Config{Layers: 1, Hidden: 64, FFN: 96, Heads: 4, KVHeads: 2, HeadDim: 16, Vocab: 50, Experts: 4, TopK: 2,
		RopeTheta: 1e4, NormEps: 1e-5, MaxContext: 64, DType: tensor.BF16}
	ones := func(rows, cols int) tensor.Weight {
		w := tensor.Weight{DType: tensor.BF16, Rows: rows, Cols: cols, Data: make([]byte, 2*rows*cols)}
		for i := range rows * cols {
			w.Data[2*i], w.Data[2*i+1] = 0x80, 0x3f
		}
		return w
	}
	n := model.DefaultNumerics(cfg.DType)
	experts := NewExperts(cfg, n, p)
	if err := experts.Load(context.Background(), moe.ExpertID{}, model.ExpertWeights{W1: ones(96, 64), W3: ones(96, 64), W2: ones(64, 96)}); err != nil {
		t.Fatal(err)
	}
	w := model.DenseWeights{Embed: ones(50, 64), Norm: ones(1, 64), Head: ones(50, 64), Layers: []model.LayerWeights{{
		InputNorm: ones(1, 64), PostNorm: ones(1, 64), Q: ones(64, 64), K: ones(32, 64), V: ones(32, 64), O: ones(64, 64), Gate: ones(4, 64),
	}}}
	return newDense(t, cfg, w, DenseOptions{Numerics: n, Blocks: 4}, p), experts, cfg
}

func TestStepAllocatesNothing(t *testing.T) {
	for _, o := range []PoolOptions{{Threads: 1}, {Threads: 2}, {Threads: 2, Spin: time.Millisecond}} {
		p := NewPool(o)
		d, experts, cfg := smallModel(t, p)
		b := &model.Batch{Tokens: []int32{1, 2, 3}, Spans: []model.Span{{Start: 2, N: 3, Blocks: []int32{0}}}, Outputs: []int32{2}}
		x, h := tensor.NewMatrix(3, cfg.Hidden), tensor.NewMatrix(3, cfg.Hidden)
		wireX, wireY := make([]byte, 3*2*cfg.Hidden), make([]byte, 3*2*cfg.Hidden)
		groups := []moe.Group{{Index: []int32{0, 1, 2}}}
		gate, logits := tensor.NewMatrix(3, cfg.Experts), tensor.NewMatrix(1, cfg.Vocab)
		step := func() {
			for _, err := range []error{d.Embed(b, x), d.Attend(0, 0, x, h, gate), experts.Run(context.Background(), 0, groups, wireX, wireY), d.Head(b, x, logits)} {
				if err != nil {
					panic(err)
				}
			}
		}
		if n := testing.AllocsPerRun(50, step); n != 0 {
			t.Errorf("%d threads, spin %v: %v allocations a step", o.Threads, o.Spin, n)
		}
		p.Close()
	}
}

func BenchmarkRun(b *testing.B) {
	for _, spin := range []time.Duration{0, 50 * time.Microsecond} {
		b.Run(fmt.Sprint("spin ", spin), func(b *testing.B) {
			p := NewPool(PoolOptions{Threads: 2, Spin: spin})
			defer p.Close()
			f := loop(func(*worker, int, int) {})
			b.ReportAllocs()
			for b.Loop() {
				p.run(64, 32, f)
			}
		})
	}
}

// TestPoolSurvivesAPanic: a panic on any worker reaches the caller, and the pool
// runs on.
func TestPoolSurvivesAPanic(t *testing.T) {
	p := NewPool(PoolOptions{Threads: 3})
	defer p.Close()
	for n := range 300 {
		bad := n % 100
		func() {
			defer func() {
				if cause, ok := recover().(*moe.Panic); !ok || cause.Value != "bad" || len(cause.Stack) == 0 {
					t.Fatalf("run %d: recovered %v, want the worker's panic with its stack", n, cause)
				}
			}()
			p.run(100, 1, func(_ *worker, lo, hi int) {
				if lo <= bad && bad < hi {
					panic("bad")
				}
			})
		}()
		var sum atomic.Int64
		p.run(100, 1, func(_ *worker, lo, hi int) { sum.Add(int64(hi - lo)) })
		if sum.Load() != 100 {
			t.Fatalf("run %d: the next run covered %d of 100", n, sum.Load())
		}
	}
}
