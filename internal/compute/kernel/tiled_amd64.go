//go:build !purego

package kernel

import (
	"errors"

	"github.com/hachi-serve/hachi/internal/compute/kernel/amx"
	"github.com/hachi-serve/hachi/internal/compute/kernel/avx512"
	"github.com/hachi-serve/hachi/internal/compute/tensor"
)

// tiled is the fastest of the kernels of AVX-512, with tiles for many rows.
func tiled(all []*Kernels) (*Kernels, error) {
	if err := amx.Permit(); err != nil {
		return nil, err
	}
	for _, base := range all {
		if base.limits.VNNI != nil {
			k := *base
			k.name = tiledName
			for _, d := range []tensor.DType{tensor.Int8, tensor.Int4, tensor.Int4Affine} {
				k.dot[blockSlot(d)] = withWide(k.dot[blockSlot(d)], tiledName, wideOfAMX(d))
			}
			k.runs.narrow = avx512.NarrowPairs
			k.runs.tiles = [2][2]runTileKernel{{amx.RunTiles1x1, amx.RunTiles1x2}, {amx.RunTiles2x1, amx.RunTiles2x2}}
			return &k, nil
		}
	}
	return nil, errors.New("this processor has no AVX-512 with dot products of bytes")
}

func wideOfAMX(d tensor.DType) wideKernels {
	switch d {
	case tensor.Int8:
		return wideKernels{amx.Unpack8, amx.Integers}
	case tensor.Int4:
		return wideKernels{amx.Unpack4, amx.Integers}
	}
	return wideKernels{amx.UnpackAffine, amx.Affine}
}
