package sampler

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
)

// Params say how a token is drawn. The zero value is greedy.
type Params struct {
	Temperature float64 // 0 is greedy
	TopP        float64 // 0 and 1 are off
	TopK        int     // 0 is off
	MinP        float64 // 0 is off
	Seed        uint64
}

// Validate reports everything out of range, by parameter name.
func (p Params) Validate() error {
	var faults []error
	check := func(ok bool, name string, value any, want string) {
		if !ok {
			faults = append(faults, &ParamError{Param: name, Err: fmt.Errorf("%s is %v, expected %s", name, value, want)})
		}
	}
	check(p.Temperature >= 0 && p.Temperature <= 2, "temperature", p.Temperature, "0 to 2")
	check(p.TopP >= 0 && p.TopP <= 1, "top_p", p.TopP, "more than 0, at most 1")
	check(p.TopK >= 0, "top_k", p.TopK, "0 or more")
	check(p.MinP >= 0 && p.MinP <= 1, "min_p", p.MinP, "0 to 1")
	return errors.Join(faults...)
}

// ParamError is a parameter out of range.
type ParamError struct {
	Param string
	Err   error
}

func (e *ParamError) Error() string { return e.Err.Error() }
func (e *ParamError) Unwrap() error { return e.Err }

// ErrNotFinite means that the model produced a NaN.
var ErrNotFinite = errors.New("the logits are not numbers")

// Sample draws the token at a position of a choice.
func Sample(logits []float32, p Params, choice, position int) (int32, error) {
	for _, v := range logits {
		if v != v {
			return 0, ErrNotFinite
		}
	}
	if p.Temperature == 0 {
		return argmax(logits), nil
	}
	c := candidates(logits, p)
	total := 0.0
	for _, t := range c {
		total += t.weight
	}
	at := uniform(p.Seed, choice, position) * total
	for _, t := range c {
		if at -= t.weight; at < 0 {
			return t.id, nil
		}
	}
	return c[len(c)-1].id, nil
}

func argmax(logits []float32) int32 {
	best := 0
	for i, v := range logits {
		if v > logits[best] {
			best = i
		}
	}
	return int32(best)
}

// candidate is a token and its unnormalised probability; the best has 1.
type candidate struct {
	id     int32
	weight float64
}

// candidates applies temperature, then top_k, top_p and min_p, to tokens in
// descending order.
func candidates(logits []float32, p Params) []candidate {
	top := float64(logits[argmax(logits)])
	c := make([]candidate, len(logits))
	for i, v := range logits {
		c[i] = candidate{int32(i), math.Exp((float64(v) - top) / p.Temperature)}
	}
	slices.SortFunc(c, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(b.weight, a.weight), cmp.Compare(a.id, b.id))
	})
	if p.TopK > 0 {
		c = c[:min(p.TopK, len(c))]
	}
	if p.TopP > 0 && p.TopP < 1 {
		total, sum := 0.0, 0.0
		for _, t := range c {
			total += t.weight
		}
		for i, t := range c {
			if sum += t.weight; sum >= p.TopP*total {
				c = c[:i+1]
				break
			}
		}
	}
	if p.MinP > 0 {
		if i := slices.IndexFunc(c, func(t candidate) bool { return t.weight < p.MinP*c[0].weight }); i > 0 {
			c = c[:i]
		}
	}
	return c
}

// uniform is a number in [0, 1) that belongs to (seed, choice, position).
func uniform(seed uint64, choice, position int) float64 {
	h := mix(mix(mix(seed)+uint64(choice)) + uint64(position))
	return float64(h>>11) / (1 << 53)
}

// mix is the finaliser of SplitMix64.
func mix(z uint64) uint64 {
	z += 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
