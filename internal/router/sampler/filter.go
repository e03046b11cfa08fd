package sampler

import "math"

// Workspace is scratch memory for any number of samplers, used by one at a
// time. The zero value is ready.
type Workspace struct {
	logits  []float32 // an adjusted copy
	peaks   []float32 // the highest of every blockLen logits
	c       candidates
	keys    []uint32 // of candidates, lowest first
	nearKey []uint32 // of those near a border, and their weights
	nearW   []float64
}

// blockLen is the number of logits that share a peak.
const blockLen = 64

// candidates are the tokens that are left, by ascending id.
type candidates struct {
	ids     []int32 // nil is all
	logits  []float32
	weights []float64 // unnormalised probabilities; the most likely has 1
	sum     float64   // of weights

	idBuf    []int32
	logitBuf []float32
}

// argmax is the lowest id of the highest logit. It fills w.peaks.
func (w *Workspace) argmax(logits []float32) (int32, error) {
	w.peaks = w.peaks[:0]
	high, at := -inf, -1
	for lo := 0; lo < len(logits); lo += blockLen {
		peak := -inf
		for _, v := range logits[lo:min(lo+blockLen, len(logits))] {
			if !(v <= peak) {
				if v != v {
					return 0, ErrNotFinite
				}
				peak = v
			}
		}
		w.peaks = append(w.peaks, peak)
		if peak > high {
			high, at = peak, lo
		}
	}
	switch {
	case high == inf:
		return 0, ErrNotFinite
	case at < 0:
		return 0, ErrNoToken
	}
	for logits[at] != high {
		at++
	}
	return int32(at), nil
}

// filter applies the temperature and every filter. high is the highest logit;
// argmax has been called.
func (w *Workspace) filter(logits []float32, high float32, p Params) *candidates {
	c := &w.c
	c.ids, c.logits, c.weights = nil, logits, c.weights[:0]
	if p.MinP > 0 || p.TopK > 0 {
		least := float32(-math.MaxFloat32)
		if p.MinP > 0 {
			least = float32(float64(high) + float64(p.Temperature*log(p.MinP)))
		}
		if p.TopK > 0 && p.TopK <= len(w.peaks) {
			// At least so many logits are as high as so many peaks.
			w.rank(w.peaks)
			least = max(least, value(^w.border(nil, float64(p.TopK)).key))
		}
		w.atLeast(least)
	}
	if p.TopK > 0 && p.TopK < len(c.logits) {
		w.rank(c.logits)
		c.keep(w.keys, w.border(nil, float64(p.TopK)))
	}
	c.weigh(high, 1/p.Temperature)
	if p.TopP > 0 && p.TopP < 1 {
		w.rank(c.logits)
		c.keep(w.keys, w.border(c.weights, p.TopP*c.sum))
	}
	if p.TypicalP > 0 && p.TypicalP < 1 {
		w.typical(high, 1/p.Temperature, p.TypicalP)
	}
	return c
}

// atLeast keeps the candidates, which are all, whose logit is so high.
func (w *Workspace) atLeast(least float32) {
	c := &w.c
	ids, kept := c.idBuf[:0], c.logitBuf[:0]
	for i, peak := range w.peaks {
		if peak < least {
			continue
		}
		lo := i * blockLen
		for j, v := range c.logits[lo:min(lo+blockLen, len(c.logits))] {
			if v >= least {
				ids, kept = append(ids, int32(lo+j)), append(kept, v)
			}
		}
	}
	c.idBuf, c.logitBuf = ids, kept
	c.ids, c.logits = ids, kept
}

// scaled is a logit relative to the highest, after the temperature.
func scaled(v, high float32, inverse float64) float64 {
	return (float64(v) - float64(high)) * inverse
}

func (c *candidates) weigh(high float32, inverse float64) {
	c.sum = 0
	for _, v := range c.logits {
		weight := exp(scaled(v, high, inverse))
		c.weights = append(c.weights, weight)
		c.sum += weight
	}
}

// typical keeps the tokens whose information is nearest to the mean.
func (w *Workspace) typical(high float32, inverse, share float64) {
	c := &w.c
	norm, entropy := log(c.sum), 0.0
	for i, v := range c.logits {
		if p := c.weights[i] / c.sum; p > 0 {
			entropy += float64(p * (norm - scaled(v, high, inverse)))
		}
	}
	w.keys = w.keys[:0]
	for _, v := range c.logits {
		w.keys = append(w.keys, key(float32(math.Abs(norm-scaled(v, high, inverse)-entropy))))
	}
	c.keep(w.keys, w.border(c.weights, share*c.sum))
}

// keep drops the candidates beyond a border.
func (c *candidates) keep(keys []uint32, border cut) {
	ids, logits, weights := c.idBuf[:0], c.logitBuf[:0], c.weights[:0]
	weighed := len(c.weights) > 0
	c.sum = 0
	for i, k := range keys {
		if k == border.key && border.ties > 0 {
			border.ties--
		} else if k >= border.key {
			continue
		}
		id := int32(i)
		if c.ids != nil {
			id = c.ids[i]
		}
		ids, logits = append(ids, id), append(logits, c.logits[i])
		if weighed {
			weights = append(weights, c.weights[i])
			c.sum += c.weights[i]
		}
	}
	c.idBuf, c.logitBuf = ids, logits
	c.ids, c.logits, c.weights = ids, logits, weights
}

// draw chooses by a number in [0, 1).
func (c *candidates) draw(u float64) int32 {
	at, sum, last := u*c.sum, 0.0, 0
	for i, weight := range c.weights {
		if weight == 0 {
			continue
		}
		last = i
		if sum += weight; sum > at {
			break
		}
	}
	if c.ids == nil {
		return int32(last)
	}
	return c.ids[last]
}
