package kernel

import "github.com/hachi-serve/hachi/internal/compute/tensor"

// dotKernels is one way to multiply quantized weights of a format.
type dotKernels struct {
	// tile takes 1 to dotCols rows of x. Those of up to lead rows prefetch one line of
	// a group, the others all of them.
	tile [dotCols]dotKernel
	lead int
	// ahead is the distance, in groups, from the weights that a tile reads to those that
	// it prefetches for itself; half of it if it prefetches one line of each group:
	// docs/adr/0005.
	ahead int
	// panel is the number of groups of a panel of K, whole blocks of any type, for
	// blockX rows of x. Those stay in the second-level cache while all weights pass
	// by. The sums wait in y.
	panel int
	// quantHalves quantizes x for a tile that takes each integer as two, lower +
	// 16*upper, both in -8..8: products of those and bytes can be added in 16 bits. nil
	// for a tile that takes it whole.
	quantHalves quantKernel
	// wide takes wideRows rows of x at once; empty where no instruction does.
	wide wideKernels
}

// size is how many bytes the integers of a group of a row of x take. By halves,
// all lower ones come before all upper ones.
func (d *dotKernels) size() int {
	if d.quantHalves != nil {
		return 2 * tensor.GroupCols
	}
	return tensor.GroupCols
}

// groupsAtOnce is panel for many rows of x. Of few rows, more groups fit into the
// cache, and a longer panel interrupts the stream of weights from memory less
// often.
func (d *dotKernels) groupsAtOnce(rows int) int {
	fit := d.panel * blockX / 2 / rows
	return max(d.panel, fit&^(tensor.AffineGroups-1))
}

const (
	// blockGroups is the default of dotKernels.panel, with x whole.
	blockGroups = 128
	// nearAhead and farAhead are values of dotKernels.ahead.
	nearAhead = 16
	farAhead  = 32
)

// microDots are the micro-kernels of a format: tile prefetches every line of the
// weights, lead one line of every group, and leaves the others to the processor's
// own prefetching, which that line leads into the next page. The default is lead
// for up to few rows of x: memory delivers weights more slowly than few rows take
// them, and then more requests may delay it. With more rows the processor does not
// run far enough ahead.
type microDots struct {
	tile        [dotCols]dotKernel
	lead        [leadCols]dotKernel
	few         int
	quantHalves quantKernel
}

// way is a way whose products of up to few rows lead, and whose others prefetch
// every line, at a distance.
func (m microDots) way(few, ahead int) dotKernels {
	d := dotKernels{tile: m.tile, lead: few, ahead: ahead, panel: blockGroups, quantHalves: m.quantHalves}
	if d.quantHalves != nil {
		d.panel /= 2
	}
	copy(d.tile[:], m.lead[:few])
	return d
}

// dotVariants are the ways to multiply by micro-kernels: they prefetch otherwise,
// or have panels of other lengths, which suit caches of other sizes.
func dotVariants(name string, m microDots) variants[dotKernels] {
	way := m.way(m.few, farAhead)
	out := only(name, way)
	add := func(suffix string, from, to int, way dotKernels) {
		out.all = append(out.all, variant[dotKernels]{name + suffix, from, to, way})
	}
	if m.lead[0] != nil {
		add("-lead", m.few+1, leadCols, m.way(leadCols, farAhead))
		add("-lines", 1, m.few, m.way(0, farAhead))
		add("-near", 1, dotCols, m.way(m.few, nearAhead))
	}
	short, long := way, way
	short.panel /= 2
	long.panel *= 2
	add("-panel-half", classes[4]+1, 0, short)
	add("-panel-double", classes[4]+1, 0, long)
	return out
}
