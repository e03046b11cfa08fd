package kernel

import (
	"fmt"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hachi-serve/hachi/internal/compute/kernel"
)

// Limits are the roofs of a machine with a number of threads. Zero is unknown:
// the kernels have no such loop.
type Limits struct {
	Stream float64 `json:"stream_gb_per_s"` // bytes read
	FMA    float64 `json:"fma_gop_per_s"`   // f32 additions and multiplications
	BF16   float64 `json:"bf16_gop_per_s"`  // bf16 additions and multiplications
	VNNI   float64 `json:"vnni_gop_per_s"`  // int8 additions and multiplications
}

// Memory is anonymous memory to read, touched once.
type Memory struct{ Bytes []byte }

// NewMemory allocates n bytes whose every pair is a small bf16 number.
func NewMemory(n int) (*Memory, error) {
	b, err := unix.Mmap(-1, 0, n, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return nil, fmt.Errorf("%d bytes to measure with: %w", n, err)
	}
	// Large pages where the kernel gives them; without, the numbers are a
	// little lower.
	_ = unix.Madvise(b, unix.MADV_HUGEPAGE)
	for i := range b {
		b[i] = byte(i*7)&0x1f | byte(i&1)*0x20
	}
	return &Memory{b}, nil
}

// Close gives the memory back.
func (m *Memory) Close() error { return unix.Munmap(m.Bytes) }

// each runs f on every thread, with a share of n units, and returns the time
// until the last has returned.
func each(threads, n int, f func(thread, lo, hi int)) time.Duration {
	var wg sync.WaitGroup
	begin := time.Now()
	for t := range threads {
		wg.Go(func() { f(t, t*n/threads, (t+1)*n/threads) })
	}
	wg.Wait()
	return time.Since(begin)
}

// StreamRate reads all of the memory once and returns bytes per nanosecond,
// which is GB/s; 0 when the kernels cannot.
func StreamRate(k *kernel.Kernels, m *Memory, threads int) float64 {
	stream := k.Limits().Stream
	if stream == nil {
		return 0
	}
	// The loop cannot be preempted, so it is called for a megabyte at a time.
	const unit = 1 << 20
	took := each(threads, len(m.Bytes)/unit, func(_, lo, hi int) {
		for i := lo; i < hi; i++ {
			stream(m.Bytes[i*unit : (i+1)*unit])
		}
	})
	return float64(len(m.Bytes)) / float64(took.Nanoseconds())
}

// opsRate runs a loop on registers for about 10 ms and returns Gop/s.
func opsRate(run func(n int), ops, threads int) float64 {
	if run == nil {
		return 0
	}
	const rounds = 3_000_000 / 4
	took := each(threads, threads, func(int, int, int) { run(rounds) })
	return float64(threads) * float64(rounds) * float64(ops) / float64(took.Nanoseconds())
}

// FMARate is Gop/s of f32 fused multiply-adds.
func FMARate(k *kernel.Kernels, threads int) float64 {
	l := k.Limits()
	return opsRate(l.FMA, l.FMAOps, threads)
}

// BF16Rate is Gop/s of dot products of bf16.
func BF16Rate(k *kernel.Kernels, threads int) float64 {
	l := k.Limits()
	return opsRate(l.BF16, l.BF16Ops, threads)
}

// VNNIRate is Gop/s of dot products of bytes.
func VNNIRate(k *kernel.Kernels, threads int) float64 {
	l := k.Limits()
	return opsRate(l.VNNI, l.VNNIOps, threads)
}
