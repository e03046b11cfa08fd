package sampler

import "math"

// key maps a float to an integer such that keys have the order of their floats.
func key(v float32) uint32 {
	u := math.Float32bits(v + 0) // -0 becomes 0
	return u ^ uint32(int32(u)>>31) | ^u&(1<<31)
}

// value is the float of a key.
func value(key uint32) float32 {
	if key>>31 == 0 {
		return math.Float32frombits(^key)
	}
	return math.Float32frombits(key &^ (1 << 31))
}

// rank fills w.keys so that ascending keys are descending logits.
func (w *Workspace) rank(logits []float32) {
	w.keys = w.keys[:0]
	for _, v := range logits {
		w.keys = append(w.keys, ^key(v))
	}
}

// threshold selects the keys below key, and the first ties of those equal to it.
type threshold struct {
	key  uint32
	ties int
}

// digit is the number of bits of a key that threshold decides at a time.
const digit = 11

// threshold finds the shortest prefix of w.keys, sorted ascending and then by
// index, whose weights add up to goal > 0. nil weights are 1 each.
//
// It sorts nothing. It decides the bits of the threshold from the top, digit at
// a time: it adds up the weights of the keys for each value of the digit, takes
// the value at which the sum reaches goal, and continues with the keys that have
// it.
func (w *Workspace) threshold(weights []float64, goal float64) threshold {
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
	c := threshold{key: prefix}
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
