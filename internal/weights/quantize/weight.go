package quantize

import (
	"context"

	"golang.org/x/sync/errgroup"

	"github.com/hachi-serve/hachi/internal/compute/kernel"
	"github.com/hachi-serve/hachi/internal/compute/tensor"
)

// stripsAtOnce is one piece of work: about a megabyte of bf16.
const stripsAtOnce = 8

// WeightInto quantizes a matrix into dst, of to.Bytes(w.Rows, w.Cols) bytes.
func WeightInto(ctx context.Context, dst []byte, k *kernel.Kernels, threads int, w tensor.Weight, to tensor.DType) (tensor.Weight, error) {
	return tensor.Weight{DType: to, Rows: w.Rows, Cols: w.Cols, Data: dst}, into(ctx, dst, k, threads, w, to)
}

// Weight quantizes a matrix into new memory.
func Weight(ctx context.Context, k *kernel.Kernels, threads int, w tensor.Weight, to tensor.DType) (tensor.Weight, error) {
	return WeightInto(ctx, make([]byte, to.Bytes(w.Rows, w.Cols)), k, threads, w, to)
}

// into quantizes a matrix into dst, strips shared between threads.
func into(ctx context.Context, dst []byte, k *kernel.Kernels, threads int, w tensor.Weight, to tensor.DType) error {
	strips, _ := to.Blocks(w.Rows, w.Cols)
	g, ctx := errgroup.WithContext(ctx)
	for t := range threads {
		g.Go(func() error {
			s := kernel.NewScratch()
			for lo := t * stripsAtOnce; lo < strips; lo += threads * stripsAtOnce {
				if err := ctx.Err(); err != nil {
					return err
				}
				if err := k.Quantize(s, dst, to, w, lo, min(lo+stripsAtOnce, strips)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return g.Wait()
}
