package tune

import (
	"fmt"
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hachi-serve/hachi/internal/compute/kernel"
	"github.com/hachi-serve/hachi/internal/compute/tensor"
)

const (
	// Budget is how long a process may measure at its first start.
	Budget = 100 * time.Millisecond

	hugePage = 2 << 20
	// A thread reads streamed bytes of its region in a trial of few rows, each time
	// others: what it read before has left the cache when it begins again. All
	// regions together take at most allRegions.
	streamed   = 2 << 20
	region     = 32 << 20
	allRegions = 512 << 20
	// With many rows a thread computes computed outputs of weights in its cache.
	computed = 64
	// The first begun outputs of few rows are not timed: those before a block of weights
	// prefetch it.
	begun = 32
	// K of few rows is that of the largest products of Mixtral 8x7B's attention; of
	// many rows it is longer than the panel of any variant.
	fewK, manyK = 4096, 6144
	// few is the most rows of x for which memory bounds a product.
	few = 8
)

// bench computes products on all threads, on memory of its own. All workers but the
// first wait for work without sleeping: to wake one takes as long as a trial.
type bench struct {
	memory  []byte
	workers []*worker
	x       map[kernel.Product]tensor.Matrix

	work  func(*worker) // of a turn; nil ends the workers
	turn  atomic.Int64
	doing atomic.Int64 // workers that have not ended their work of a turn
}

// worker is one thread's share.
type worker struct {
	scratch *kernel.Scratch
	region  []byte
	at      int // the next byte of the region to stream
	y       tensor.Matrix
	took    time.Duration
}

// newBench maps memory and touches it, all threads at once.
func newBench(threads int) (*bench, error) {
	each := min(region, allRegions/threads) &^ (hugePage - 1)
	memory, err := unix.Mmap(-1, 0, threads*each, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return nil, fmt.Errorf("%d bytes to measure kernels with: %w", threads*each, err)
	}
	_ = unix.Madvise(memory, unix.MADV_HUGEPAGE) // without, faults take longer
	b := &bench{memory: memory, x: map[kernel.Product]tensor.Matrix{}}
	for t := range threads {
		b.workers = append(b.workers, &worker{scratch: kernel.NewScratch(), region: memory[t*each : (t+1)*each]})
	}
	for _, w := range b.workers[1:] {
		go b.serve(w)
	}
	b.each(func(w *worker) {
		for n := copy(w.region, smallNumbers()); n < len(w.region); n *= 2 {
			copy(w.region[n:], w.region[:n])
		}
	})
	return b, nil
}

// smallNumbers are bytes of which every pair is a small bf16 number.
func smallNumbers() []byte {
	b := make([]byte, 1<<12)
	for i := range b {
		b[i] = byte(i*7)&0x1f | byte(i&1)*0x20
	}
	return b
}

// close ends the workers.
func (b *bench) close() error {
	b.begin(nil)
	b.wait()
	return unix.Munmap(b.memory)
}

// each runs f for every worker at once, until all are done.
func (b *bench) each(f func(*worker)) {
	b.begin(f)
	f(b.workers[0])
	b.wait()
}

func (b *bench) begin(f func(*worker)) {
	b.work = f
	b.doing.Store(int64(len(b.workers) - 1))
	b.turn.Add(1)
}

func (b *bench) wait() {
	for b.doing.Load() > 0 {
		runtime.Gosched()
	}
}

// serve does the work of one thread, turn after turn.
func (b *bench) serve(w *worker) {
	for turn := int64(0); ; {
		if b.turn.Load() == turn {
			runtime.Gosched()
			continue
		}
		turn++
		f := b.work
		if f != nil {
			f(w)
		}
		b.doing.Add(-1)
		if f == nil {
			return
		}
	}
}

// try is a trial: took is the mean time of the workers, without that in which they pack
// rows of x.
func (b *bench) try(k *kernel.Kernels, p kernel.Product) (took, whole time.Duration) {
	begin := time.Now()
	x := b.rows(p)
	b.each(func(w *worker) { w.multiply(k, x, p) })
	for _, w := range b.workers {
		took += w.took
	}
	return took / time.Duration(len(b.workers)), time.Since(begin)
}

// rows is x of a product: small numbers that are of its type.
func (b *bench) rows(p kernel.Product) tensor.Matrix {
	if x, ok := b.x[p]; ok {
		return x
	}
	k, fraction := manyK, float32(0)
	if p.Rows <= few {
		k = fewK
	}
	if p.X == tensor.F32 {
		fraction = 0.1
	}
	x := tensor.NewMatrix(p.Rows, k)
	for i := range x.Data {
		x.Data[i] = float32(i%17) - 8 + fraction
	}
	b.x[p] = x
	return x
}

// multiply computes the outputs of one thread.
func (w *worker) multiply(k *kernel.Kernels, x tensor.Matrix, p kernel.Product) {
	first, outputs := tensor.BlockRows, computed
	if p.Rows <= few {
		first, outputs = begun, streamed/p.W.Bytes(tensor.BlockRows, x.Cols)*tensor.BlockRows
	}
	n := p.W.Bytes(outputs, x.Cols)
	if p.Rows > few || w.at+n > len(w.region) {
		w.at = 0
	}
	weights := tensor.Weight{DType: p.W, Rows: outputs, Cols: x.Cols, Data: w.region[w.at : w.at+n]}
	if w.at += n; len(w.y.Data) < x.Rows*outputs {
		w.y.Data = make([]float32, x.Rows*outputs)
	}
	y := tensor.Matrix{Rows: x.Rows, Cols: outputs, Stride: outputs, Data: w.y.Data}
	w.scratch.Hold()
	defer w.scratch.Release()
	k.MatMul(w.scratch, y, x, weights, 0, first) // packs x
	begin := time.Now()
	k.MatMul(w.scratch, y, x, weights, first, outputs)
	w.took = time.Since(begin)
}

// Measure chooses variants of k by measuring them on a number of threads for about
// a budget of time. A tenth of it is left for rounds that take longer than the last.
func Measure(k *kernel.Kernels, threads int, budget time.Duration) (Plan, error) {
	p := Plan{Measured: time.Now().UTC()}
	all, err := contests(k)
	if err != nil || len(all) == 0 {
		return p, err
	}
	b, err := newBench(threads)
	if err != nil {
		return p, err
	}
	defer b.close()
	p.Picks = decide(all, b.try, budget*9/10-time.Since(p.Measured))
	p.Took = time.Since(p.Measured)
	return p, nil
}
