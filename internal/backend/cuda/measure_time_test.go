package cuda

import (
	"slices"
	"testing"
	"time"
	"unsafe"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	driver "github.com/hachi-serve/hachi/internal/cuda"
	"github.com/hachi-serve/hachi/moe"
)

// timings times calls of a kernel: of portable.cu, which is for few rows, less of them.
func timings(t *testing.T, d *device, e *experts, name string, r *report) {
	t.Helper()
	for _, m := range [][2]int{{1, 1}, {activeExperts, 1}, {activeExperts, 2}, {1, 16}, {activeExperts, 16}, {1, 64}, {1, 256}, {1, 1024}, {1, 2048}, {1, 4096}} {
		if m[1] > 20**calls**calls || m[0]*m[1] > 128 && !d.kernels.wgmma() {
			continue // minutes on a fake driver
		}
		one := timed(t, d, e, name, m[0], m[1])
		one.OfRead = 100 * one.GBps / r.ReadGBps
		r.Timings = append(r.Timings, one)
	}
}

// timed measures calls of n rows at each of some experts.
func timed(t *testing.T, d *device, e *experts, name string, count, n int) timing {
	t.Helper()
	x, y := randomRows(n), make([]byte, count*n*2**hiddenSize)
	var all []float64
	for range *calls {
		start := time.Now()
		call(t, e, count, n, x, y)
		all = append(all, float64(time.Since(start).Nanoseconds())/1e3)
	}
	slices.Sort(all)
	out := timing{Format: name, Experts: count, Rows: n, CallUS: all[len(all)/2], KernelUS: kernelTime(t, d, e, count, n)}
	var format tensor.DType
	for _, m := range e.images {
		format = m.format
	}
	out.GBps = float64(int64(count)*e.ExpertBytes(format)) / out.KernelUS / 1e3
	out.TFlops = float64(6*count*n) * float64(*hiddenSize) * float64(*ffnSize) / out.KernelUS / 1e6
	return out
}

// kernelTime is the device's time for the launches of a call, again and again.
func kernelTime(t *testing.T, d *device, e *experts, count, n int) (us float64) {
	t.Helper()
	var groups []moe.Group
	var images []*image
	for expert := range count {
		groups, images = append(groups, moe.Group{Expert: expert, Index: make([]int32, n)}), append(images, e.images[moe.ExpertID{Expert: expert}])
	}
	l := <-e.lanes
	defer func() { e.lanes <- l }()
	failed := d.use(func() error {
		all := passes(groups, images, d.kernels.maxTile)
		at, bytes := l.fill(all[0])
		bytes += copy(l.in.Bytes[bytes:], randomRows(1))
		begin, err := d.NewEvent()
		if err != nil {
			return err
		}
		defer begin.Close()
		if err := l.stream.Upload(l.input.Pointer, l.in.Bytes[:bytes]); err != nil {
			return err
		}
		if err := l.stream.Record(begin); err != nil {
			return err
		}
		for range *calls {
			for _, p := range all {
				if err := l.compute(p, at); err != nil {
					return err
				}
			}
		}
		if err := d.await(l.stream, l.done); err != nil {
			return err
		}
		took, err := l.done.Since(begin)
		us = max(float64(took.Nanoseconds())/1e3/float64(*calls), 1e-3)
		return err
	})
	if failed != nil {
		t.Fatal(failed)
	}
	return us
}

// readCeiling is what the device's memory gives to a plain read.
func readCeiling(t *testing.T, d *device) (gbps float64) {
	t.Helper()
	n := min(2<<30, 24**hiddenSize**ffnSize) &^ 4095 // far more than caches hold
	err := d.use(func() error {
		b, err := d.Alloc(n)
		if err != nil {
			return err
		}
		defer b.Free()
		s, err := d.NewStream()
		if err != nil {
			return err
		}
		defer s.Close()
		var ends [2]*driver.Event
		for i := range ends {
			if ends[i], err = d.NewEvent(); err != nil {
				return err
			}
			defer ends[i].Close()
		}
		p := &sweepParams{src: b.Pointer, n: uint64(n / 16), sink: b.Pointer}
		launch := func() error {
			return d.kernels.sweep.Launch(s, driver.Launch{Grid: 2048, Block: 512}, unsafe.Pointer(p))
		}
		if err := launch(); err != nil {
			return err
		}
		if err := s.Record(ends[0]); err != nil {
			return err
		}
		for range *calls {
			if err := launch(); err != nil {
				return err
			}
		}
		if err := d.await(s, ends[1]); err != nil {
			return err
		}
		took, err := ends[1].Since(ends[0])
		gbps = float64(n**calls) / max(float64(took.Nanoseconds()), 1)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return gbps
}
