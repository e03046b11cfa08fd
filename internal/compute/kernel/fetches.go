package kernel

import "github.com/hachi-serve/hachi/internal/compute/tensor"

// fetches says what the tiles of x prefetch while they read a strip of quantized
// weights.
//
// A single tile prefetches what it reads itself, some groups ahead. Of several
// tiles only the first would wait for memory, and memory for the others: so every
// tile prefetches a share of the next strip. The first strip of a call has been
// prefetched by no other: its first tile fetches it as a single one would.
//
//	tile    reads     prefetches, of four
//	0       strip 0   strip 0, ahead
//	1..3    strip 0   strip 1, a third each
//	0..3    strip 1   strip 2, a quarter each
type fetches struct {
	dot    *dotKernels
	tiles  int
	groups int  // of the strip, or of the part of it that is read
	size   int  // of a group, bytes
	next   int  // bytes from a strip to the next
	first  bool // the strip is the first of the call
}

// fetches of the tiles of some rows of x for some groups of a strip.
func (d *dotKernels) fetches(w tensor.Weight, rows, groups int) fetches {
	// A block's factors are shared by its groups.
	f := fetches{dot: d, groups: groups, size: w.DType.BlockBytes() / w.DType.BlockGroups(), next: w.DType.Bytes(tensor.BlockRows, w.Cols)}
	for i := 0; i < rows; f.tiles++ {
		i += d.rowsOfTile(span{0, rows}, i)
	}
	return f
}

// of is what a tile of c rows of x prefetches: the distance of the first line, and
// that between two of them.
func (f *fetches) of(tile, c int) (ahead, step int) {
	lines, tiles := f.lines(c), f.tiles
	if f.first {
		tile, tiles = tile-1, tiles-1
	}
	if f.tiles == 1 || tile < 0 {
		ahead = f.dot.ahead * f.size
		if lines == 1 {
			ahead /= 2
		}
		return ahead, ceil(f.size, lines)
	}
	share := f.groups * f.size / tiles
	return f.next + tile*share, ceil(share, f.groups*lines)
}

// lines is how many lines a tile of c rows of x prefetches for every group.
func (f *fetches) lines(c int) int {
	if c <= f.dot.lead {
		return 1
	}
	return ceil(f.size, lineBytes)
}

func ceil(n, size int) int { return (n + size - 1) / size }
