package model

import (
	"github.com/hachi-serve/hachi/internal/bench/kernel"
	"github.com/hachi-serve/hachi/internal/bench/measure"
	"github.com/hachi-serve/hachi/internal/compute/tensor"
)

// work is what a step asks of the machine: bytes to read, and additions and
// multiplications of each kind.
type work struct{ bytes, fma, bf16, vnni float64 }

func (w work) ops() float64 { return w.fma + w.bf16 + w.vnni }

// add counts products with weights of a format. narrow says that rows of x are bf16.
func (w *work) add(ops float64, d tensor.DType, narrow bool) {
	switch {
	case d.Quantized():
		w.vnni += ops
	case d == tensor.BF16 && narrow:
		w.bf16 += ops
	default:
		w.fma += ops
	}
}

// bound is the least time that the machine needs for w, seconds, and what sets it:
// "stream" or "peak". Where the kernels have no instruction for a kind, its peak is
// that of f32.
func (w work) bound(l kernel.Limits) (seconds float64, by string) {
	if l.Stream == 0 || l.FMA == 0 {
		return 0, ""
	}
	peak := func(own float64) float64 {
		if own == 0 {
			return l.FMA
		}
		return own
	}
	seconds, by = w.bytes/1e9/l.Stream, "stream"
	if compute := (w.fma/l.FMA + w.bf16/peak(l.BF16) + w.vnni/peak(l.VNNI)) / 1e9; compute > seconds {
		seconds, by = compute, "peak"
	}
	return seconds, by
}

// work of the last step of a kind.
func (b *bench) work(rows, outputs int) (w work) {
	c := b.cfg
	keys := 2 * float64(c.Hidden) * float64(2*c.KVHeads*c.HeadDim) // and values, of a row and a layer
	attend := 2 * float64(c.Hidden) * float64(2*c.Heads*c.HeadDim+c.Experts)
	attention := float64(c.Layers*rows)*keys + float64((c.Layers-1)*rows+outputs)*attend
	head := 2 * float64(c.Hidden) * float64(c.Vocab)
	matrix := 2 * float64(c.Hidden) * float64(c.FFN) // each of three of an expert
	narrow := func(d tensor.DType) bool { return d == tensor.BF16 }
	w.bytes = float64(b.denseBytes + b.expertBytes*int64(b.count.experts))
	w.add(attention+head*float64(outputs), b.denseFormat, narrow(b.numerics.DenseActivation))
	w.add(2*matrix*float64(b.count.rows), c.DType, narrow(b.numerics.Wire))
	w.add(matrix*float64(b.count.rows), c.DType, narrow(b.numerics.FFNActivation))
	return w
}

// limits are the samples of what the machine can do.
type limits struct{ stream, fma, bf16, vnni []float64 }

// sample measures each limit once.
func (l *limits) sample(o Options, m *kernel.Memory) {
	k, threads := o.Pool.Kernels(), o.Pool.Threads()
	l.stream = append(l.stream, kernel.StreamRate(k, m, threads))
	l.fma = append(l.fma, kernel.FMARate(k, threads))
	l.bf16 = append(l.bf16, kernel.BF16Rate(k, threads))
	l.vnni = append(l.vnni, kernel.VNNIRate(k, threads))
}

func (l *limits) median() kernel.Limits {
	return kernel.Limits{Stream: measure.Median(l.stream), FMA: measure.Median(l.fma), BF16: measure.Median(l.bf16), VNNI: measure.Median(l.vnni)}
}
