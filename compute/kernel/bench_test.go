package kernel

import (
	"fmt"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/hachi-serve/hachi/compute/tensor"
)

func benchWeight(b *testing.B, d tensor.DType, rows, cols int) tensor.Weight {
	mem, err := unix.Mmap(-1, 0, rows*cols*d.Size(), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = unix.Munmap(mem) })
	for i := range mem {
		mem[i] = byte(i*7)&0x3f | byte(i&1)*0x20
	}
	return tensor.Weight{DType: d, Rows: rows, Cols: cols, Data: mem}
}

func parallel(n, threads int, f func(s *Scratch, lo, hi int)) {
	var wg sync.WaitGroup
	for i := range threads {
		wg.Go(func() { f(NewScratch(), i*n/threads/32*32, (i+1)*n/threads/32*32) })
	}
	wg.Wait()
}

// BenchmarkStream is the limit of BenchmarkGEMV.
func BenchmarkStream(b *testing.B) {
	w := benchWeight(b, tensor.BF16, 1<<15, 4096)
	k := Best()
	for _, threads := range []int{1, 2} {
		b.Run(fmt.Sprint(threads), func(b *testing.B) {
			b.SetBytes(int64(len(w.Data)))
			for b.Loop() {
				parallel(w.Rows, threads, func(_ *Scratch, lo, hi int) { k.limits.Stream(w.Data[lo*8192 : hi*8192]) })
			}
		})
	}
}

func BenchmarkGEMV(b *testing.B) {
	w := benchWeight(b, tensor.BF16, 1<<15, 4096)
	for _, k := range Available() {
		if k.name == "go" {
			continue
		}
		for _, m := range []int{1, 2, 4, 8, 12} {
			for _, threads := range []int{1, 2} {
				b.Run(fmt.Sprintf("%s/rows%d/threads%d", k.name, m, threads), func(b *testing.B) {
					x, y := tensor.NewMatrix(m, w.Cols), tensor.NewMatrix(m, w.Rows)
					b.SetBytes(int64(len(w.Data)))
					for b.Loop() {
						parallel(w.Rows, threads, func(s *Scratch, lo, hi int) { k.MatMul(s, y, x, w, lo, hi) })
					}
				})
			}
		}
	}
}

func BenchmarkPeak(b *testing.B) {
	for _, k := range Available() {
		if k.limits.FMA == nil {
			continue
		}
		b.Run(k.name, func(b *testing.B) {
			for b.Loop() {
				k.limits.FMA(1000)
			}
			b.ReportMetric(float64(1000*k.limits.FMAOps)*float64(b.N)/float64(b.Elapsed().Nanoseconds()), "Gop/s")
		})
	}
}

func BenchmarkGEMM(b *testing.B) {
	for _, size := range []struct{ m, n, out int }{{512, 4096, 512}, {128, 4096, 512}, {32, 4096, 512}, {16, 4096, 512}, {512, 1024, 1024}, {128, 14336, 256}} {
		w := benchWeight(b, tensor.BF16, size.out, size.n)
		for _, k := range Available() {
			if k.name == "go" {
				continue
			}
			b.Run(fmt.Sprintf("%s/%d rows, %d to %d", k.name, size.m, size.n, size.out), func(b *testing.B) {
				x, y, s := tensor.NewMatrix(size.m, w.Cols), tensor.NewMatrix(size.m, w.Rows), NewScratch()
				for b.Loop() {
					k.MatMul(s, y, x, w, 0, w.Rows)
				}
				b.ReportMetric(2*float64(size.m*size.n*size.out)*float64(b.N)/float64(b.Elapsed().Nanoseconds()), "Gop/s")
			})
		}
	}
}
