package sampler

import "math"

// key maps numbers to integers of the same order.
func key(v float32) uint32 {
	u := math.Float32bits(v + 0) // -0 becomes 0
	return u ^ uint32(int32(u)>>31) | ^u&(1<<31)
}

// value is the number of a key.
func value(key uint32) float32 {
	if key>>31 == 0 {
		return math.Float32frombits(^key)
	}
	return math.Float32frombits(key &^ (1 << 31))
}

// rank makes keys that put higher logits first.
func (w *Workspace) rank(logits []float32) {
	w.keys = w.keys[:0]
	for _, v := range logits {
		w.keys = append(w.keys, ^key(v))
	}
}

// cut is the border of a selection: keys below key, and the first ties of those
// equal to it.
type cut struct {
	key  uint32
	ties int
}

// digit is how many bits of the keys border decides at a time.
const digit = 11

// border finds the fewest of w.keys, in ascending order and equals by index,
// whose weights reach a goal above 0; nil weights are 1 each. It decides the
// border's bits from the top by the weight of each value of the bits, and looks
// on among the keys that share them.
func (w *Workspace) border(weights []float64, goal float64) cut {
	var bins [1 << digit]float64
	keys, prefix, below := w.keys, uint32(0), 0.0
	for known := 32; known > 0; { // keys share prefix as key>>known
		shift := max(0, known-digit)
		mask := uint32(1)<<(known-shift) - 1
		clear(bins[:])
		if weights == nil {
			for _, k := range keys {
				bins[k>>shift&mask]++
			}
		} else {
			for i, k := range keys {
				bins[k>>shift&mask] += weights[i]
			}
		}
		bin := uint32(0)
		for ; bin < mask && below+bins[bin] < goal; bin++ {
			below += bins[bin]
		}
		prefix, known = prefix<<(known-shift)|bin, shift
		keys, weights = w.near(keys, weights, shift, prefix)
	}
	c := cut{key: prefix}
	for i := range keys {
		if below >= goal {
			break
		}
		c.ties++
		if weights == nil {
			below++
		} else {
			below += weights[i]
		}
	}
	return c
}

// near copies the keys that share a prefix, and their weights.
func (w *Workspace) near(keys []uint32, weights []float64, shift int, prefix uint32) ([]uint32, []float64) {
	nearKey, nearW := w.nearKey[:0], w.nearW[:0]
	for i, k := range keys {
		if k>>shift == prefix {
			nearKey = append(nearKey, k)
			if weights != nil {
				nearW = append(nearW, weights[i])
			}
		}
	}
	w.nearKey, w.nearW = nearKey, nearW
	if weights == nil {
		return nearKey, nil
	}
	return nearKey, nearW
}
