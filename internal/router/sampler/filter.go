package sampler

import "math"

// Workspace is scratch memory for any number of samplers, used by one at a
// time. The zero value is ready.
type Workspace struct {
	logits  []float32 // an adjusted copy
	peaks   []float32 // the highest of every blockLen logits
	c       candidates
	keys    []uint32 // of candidates, lowest first
	nearKey []uint32 // of those that share the digits of a threshold so far
	nearW   []float64
}

// blockLen is the number of logits in a block, which has one peak.
const blockLen = 64

// candidates are the tokens that are left, by ascending id.
type candidates struct {
	ids     []int32 // nil is all
	logits  []float32
	weights []float64 // unnormalized probabilities; the most likely has 1
	sum     float64   // of weights

	idBuf    []int32
	logitBuf []float32
}

// argmax is the id of the highest logit, the lowest of equals. It fills w.peaks.
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

// filter applies the temperature and every filter. high is the highest logit.
// argmax must have filled w.peaks.
func (w *Workspace) filter(logits []float32, high float32, p Params) *candidates {
	c := &w.c
	c.ids, c.logits, c.weights = nil, logits, c.weights[:0]
	if p.MinP > 0 || p.TopK > 0 {
		minLogit := float32(-math.MaxFloat32)
		if p.MinP > 0 {
			minLogit = float32(float64(high) + float64(p.Temperature*log(p.MinP)))
		}
		if p.TopK > 0 && p.TopK <= len(w.peaks) {
			// Each block's peak is itself a logit, so the k-th largest peak is a
			// lower bound for the k-th largest logit.
			w.rank(w.peaks)
			minLogit = max(minLogit, value(^w.threshold(nil, float64(p.TopK)).key))
		}
		w.keepFrom(minLogit)
	}
	if p.TopK > 0 && p.TopK < len(c.logits) {
		w.rank(c.logits)
		c.keep(w.keys, w.threshold(nil, float64(p.TopK)))
	}
	c.computeWeights(high, 1/p.Temperature)
	if p.TopP > 0 && p.TopP < 1 {
		w.rank(c.logits)
		c.keep(w.keys, w.threshold(c.weights, p.TopP*c.sum))
	}
	if p.TypicalP > 0 && p.TypicalP < 1 {
		w.keepTypical(high, 1/p.Temperature, p.TypicalP)
	}
	return c
}

// keepFrom keeps the logits of at least minLogit. No filter has run before it. A
// block whose peak is lower is passed over.
func (w *Workspace) keepFrom(minLogit float32) {
	c := &w.c
	ids, kept := c.idBuf[:0], c.logitBuf[:0]
	for i, peak := range w.peaks {
		if peak < minLogit {
			continue
		}
		lo := i * blockLen
		for j, v := range c.logits[lo:min(lo+blockLen, len(c.logits))] {
			if v >= minLogit {
				ids, kept = append(ids, int32(lo+j)), append(kept, v)
			}
		}
	}
	c.idBuf, c.logitBuf = ids, kept
	c.ids, c.logits = ids, kept
}

// scaled is a logit relative to the highest, divided by the temperature.
func scaled(v, high float32, inverse float64) float64 {
	return (float64(v) - float64(high)) * inverse
}

// computeWeights fills weights and their sum.
func (c *candidates) computeWeights(high float32, inverse float64) {
	c.sum = 0
	for _, v := range c.logits {
		weight := exp(scaled(v, high, inverse))
		c.weights = append(c.weights, weight)
		c.sum += weight
	}
}

// keepTypical keeps the tokens whose information, -log p, is nearest to the mean
// information, the entropy.
func (w *Workspace) keepTypical(high float32, inverse, share float64) {
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
	c.keep(w.keys, w.threshold(c.weights, share*c.sum))
}

// keep drops the candidates that a threshold does not select. keys are theirs.
func (c *candidates) keep(keys []uint32, t threshold) {
	ids, logits, weights := c.idBuf[:0], c.logitBuf[:0], c.weights[:0]
	weighted := len(c.weights) > 0
	c.sum = 0
	for i, k := range keys {
		if k == t.key && t.ties > 0 {
			t.ties--
		} else if k >= t.key {
			continue
		}
		id := int32(i)
		if c.ids != nil {
			id = c.ids[i]
		}
		ids, logits = append(ids, id), append(logits, c.logits[i])
		if weighted {
			weights = append(weights, c.weights[i])
			c.sum += c.weights[i]
		}
	}
	c.idBuf, c.logitBuf = ids, logits
	c.ids, c.logits, c.weights = ids, logits, weights
}

// draw chooses a token by a number u in [0, 1): the first whose cumulative
// probability exceeds u.
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
