package kernel

import (
	"fmt"
	"math"
	"runtime"
	"testing"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
)

// peakOf is the loop of k that does nothing but the arithmetic of a case, and
// its operations a round.
func (c benchCase) peakOf(k *Kernels) (run func(n int), ops int) {
	switch {
	case c.weight.Quantized() && k.limits.VNNI != nil:
		return k.limits.VNNI, k.limits.VNNIOps
	case c.weight == tensor.Int8 && k.limits.Bytes != nil:
		return k.limits.Bytes, k.limits.BytesOps / 2
	case c.weight == tensor.Int4 && k.limits.Bytes != nil:
		return k.limits.Bytes, k.limits.BytesOps
	case c.x == 1 && len(k.pairsBF16.all) > 0:
		return k.limits.BF16, k.limits.BF16Ops
	}
	return k.limits.FMA, k.limits.FMAOps
}

// BenchmarkShare is 1 to 512 rows of x times 64 MB of weights that come from memory, one
// thread, beside its limit: the longer of the time to read the weights and the
// time of the arithmetic, measured between the products.
func BenchmarkShare(b *testing.B) {
	const cols = 4096
	for _, c := range benchCases {
		w := benchWeight(b, c.weight, (64<<20)/c.weight.Bytes(16, cols)*16, cols)
		for _, k := range compiled() {
			peak, peakOps := c.peakOf(k)
			if peak == nil || k.limits.Stream == nil || c.name == "bf16 x bf16" && len(k.pairsBF16.all) == 0 {
				continue
			}
			for _, m := range []int{1, 2, 3, 4, 6, 8, 16, 32, 512} {
				x, y, s := c.matrix(m, cols), tensor.NewMatrix(m, w.Rows), NewScratch()
				ops := 2 * float64(m) * float64(w.Rows) * cols
				b.Run(fmt.Sprintf("%s/%v/%d", k.name, c.name, m), func(b *testing.B) {
					share(b, float64(len(w.Data)), ops,
						func() { k.MatMul(s, y, x, w, 0, w.Rows) },
						func() { k.limits.Stream(w.Data) },
						func() float64 { peak(20000); return 20000 * float64(peakOps) })
				})
			}
		}
	}
}

// share reports what product reaches of its limit, by the CPU time of this
// thread.
func share(b *testing.B, bytes, ops float64, product, stream func(), peak func() float64) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	timed := func(f func()) float64 {
		begin := cpuTime()
		f()
		return cpuTime() - begin
	}
	product()
	var work, read, n float64
	compute := math.Inf(1) // ns of an operation, the least
	for b.Loop() {
		n++
		work += timed(product)
		read += timed(stream)
		var done float64
		took := timed(func() { done = peak() })
		compute = min(compute, took/done)
	}
	read, compute = read/n, compute*ops
	b.ReportMetric(ops*n/work, "Gop/s")
	b.ReportMetric(bytes*n/work, "GB/s")
	b.ReportMetric(bytes/read, "stream-GB/s")
	b.ReportMetric(ops/compute, "peak-Gop/s")
	b.ReportMetric(100*max(read, compute)*n/work, "%-of-limit")
	b.ReportMetric(0, "ns/op")
}
