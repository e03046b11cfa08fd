package calibrate

import (
	"cmp"
	"math"
	"slices"
)

// vertex is a corner of the simplex.
type vertex struct {
	at    []float64
	value float64
}

// simplex looks for the smallest value of a function by Nelder and Mead's moves.
type simplex struct {
	f       func([]float64) float64
	count   int
	corners []vertex // the best first
}

// minimize looks near a point, and makes no further move after a number of evaluations. edge
// is the size of the first simplex. It returns how many evaluations there were.
func minimize(f func([]float64) float64, start []float64, edge float64, evaluations int) (best vertex, count int) {
	s := &simplex{f: f}
	s.corners = append(s.corners, s.eval(start))
	for i := range start {
		at := slices.Clone(start)
		at[i] += edge
		s.corners = append(s.corners, s.eval(at))
	}
	for {
		slices.SortStableFunc(s.corners, func(a, b vertex) int { return cmp.Compare(a.value, b.value) })
		last := len(s.corners) - 1
		if s.count >= evaluations || s.corners[last].value-s.corners[0].value < 1e-9 {
			return s.corners[0], s.count
		}
		s.move(last)
	}
}

func (s *simplex) eval(at []float64) vertex {
	s.count++
	return vertex{at, s.f(at)}
}

// move replaces the worst corner, or draws all to the best one.
func (s *simplex) move(last int) {
	best, next, worst := s.corners[0], s.corners[last-1], s.corners[last]
	reflected := s.eval(s.along(1))
	switch {
	case reflected.value < best.value:
		if expanded := s.eval(s.along(2)); expanded.value < reflected.value {
			reflected = expanded
		}
		s.corners[last] = reflected
	case reflected.value < next.value:
		s.corners[last] = reflected
	default:
		contracted := s.eval(s.along(math.Copysign(0.5, worst.value-reflected.value)))
		if contracted.value < min(reflected.value, worst.value) {
			s.corners[last] = contracted
			return
		}
		for i := 1; i <= last; i++ {
			at := make([]float64, len(best.at))
			for k := range at {
				at[k] = (best.at[k] + s.corners[i].at[k]) / 2
			}
			s.corners[i] = s.eval(at)
		}
	}
}

// along is the point on the line from the worst corner through the center of the others:
// 0 is the center, 1 the reflection.
func (s *simplex) along(t float64) []float64 {
	last := len(s.corners) - 1
	out := make([]float64, len(s.corners[0].at))
	for i := range out {
		center := 0.0
		for _, c := range s.corners[:last] {
			center += c.at[i] / float64(last)
		}
		out[i] = center + t*(center-s.corners[last].at[i])
	}
	return out
}
