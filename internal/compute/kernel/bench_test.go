package kernel

import (
	"fmt"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
)

// cpuTime is what this thread has computed, ns. On a shared machine it says
// more about a kernel than the clock on the wall.
func cpuTime() float64 {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &ts); err != nil {
		return 0
	}
	return float64(ts.Nano())
}

// perCPU runs f and reports units per ns of this thread's CPU time, which is
// giga-units per CPU second.
func perCPU(b *testing.B, unit string, units float64, f func()) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	f()
	n, begin := 0, cpuTime()
	for b.Loop() {
		f()
		n++
	}
	b.ReportMetric(units*float64(n)/(cpuTime()-begin), unit)
}

func benchWeight(b *testing.B, d tensor.DType, rows, cols int) tensor.Weight {
	mem, err := unix.Mmap(-1, 0, d.Bytes(rows, cols), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = unix.Munmap(mem) })
	_ = unix.Madvise(mem, unix.MADV_HUGEPAGE) // as weights are mapped
	for i := range mem {
		mem[i] = byte(i*7)&0x0f | byte(i&1)*0x20
	}
	return tensor.Weight{DType: d, Rows: rows, Cols: cols, Data: mem}
}

// benchCase is a type of weights and what x holds.
type benchCase struct {
	name   string
	weight tensor.DType
	x      float32
}

var benchCases = []benchCase{
	{"bf16 x f32", tensor.BF16, 1.1}, {"bf16 x bf16", tensor.BF16, 1}, {"int8", tensor.Int8, 1.1}, {"int4", tensor.Int4, 1.1},
}

func (c benchCase) matrix(rows, cols int) tensor.Matrix {
	x := tensor.NewMatrix(rows, cols)
	for i := range x.Data {
		x.Data[i] = c.x
	}
	return x
}

func compiled() []*Kernels { return Available()[:len(Available())-1] }

// BenchmarkRead is one row of x times 256 MB of weights, one thread, beside the
// limit: reading them and nothing else.
func BenchmarkRead(b *testing.B) {
	for _, c := range benchCases {
		const cols = 4096
		w := benchWeight(b, c.weight, (256<<20)/c.weight.Bytes(16, cols)*16, cols)
		for _, k := range compiled() {
			x, y, s := c.matrix(1, cols), tensor.NewMatrix(1, w.Rows), NewScratch()
			b.Run(fmt.Sprintf("%s/%v/product", k.name, c.name), func(b *testing.B) {
				perCPU(b, "GB/cpu-s", float64(len(w.Data)), func() { k.MatMul(s, y, x, w, 0, w.Rows) })
			})
			if k.limits.Stream != nil {
				b.Run(fmt.Sprintf("%s/%v/stream", k.name, c.name), func(b *testing.B) {
					perCPU(b, "GB/cpu-s", float64(len(w.Data)), func() { k.limits.Stream(w.Data) })
				})
			}
		}
	}
}

// BenchmarkCompute is many rows of x times weights in the cache, beside the
// peak of f32 arithmetic.
func BenchmarkCompute(b *testing.B) {
	for _, k := range compiled() {
		if k.limits.FMA != nil {
			b.Run(k.name+"/peak", func(b *testing.B) {
				perCPU(b, "Gop/cpu-s", float64(10000*k.limits.FMAOps), func() { k.limits.FMA(10000) })
			})
		}
		for _, c := range benchCases {
			for _, m := range []int{1, 2, 4, 8, 32, 128, 512} {
				w := benchWeight(b, c.weight, 256, 4096)
				x, y, s := c.matrix(m, w.Cols), tensor.NewMatrix(m, w.Rows), NewScratch()
				b.Run(fmt.Sprintf("%s/%v/%d", k.name, c.name, m), func(b *testing.B) {
					perCPU(b, "Gop/cpu-s", 2*float64(m)*256*4096, func() { k.MatMul(s, y, x, w, 0, w.Rows) })
				})
			}
		}
	}
}

// BenchmarkQuantize counts bytes of bf16.
func BenchmarkQuantize(b *testing.B) {
	w := benchWeight(b, tensor.BF16, 1024, 4096)
	for _, k := range compiled() {
		for _, to := range []tensor.DType{tensor.Int8, tensor.Int4} {
			dst, s := make([]byte, to.Bytes(w.Rows, w.Cols)), NewScratch()
			b.Run(fmt.Sprintf("%s/%v", k.name, to), func(b *testing.B) {
				perCPU(b, "GB/cpu-s", float64(len(w.Data)), func() {
					if err := k.Quantize(s, dst, to, w, 0, 64); err != nil {
						b.Fatal(err)
					}
				})
			})
		}
	}
}
