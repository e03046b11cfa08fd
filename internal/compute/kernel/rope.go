package kernel

import "math"

// Rotary holds the rotation frequencies of rotary position embeddings for one
// head width.
// Source: Su et al., arXiv 2104.09864, with the half-split pairing of Hugging
// Face: element i is rotated with element i+headDim/2.
type Rotary struct{ freq []float32 }

// NewRotary computes the frequencies theta^(-2i/headDim).
func NewRotary(headDim int, theta float64) Rotary {
	freq := make([]float32, headDim/2)
	for i := range freq {
		freq[i] = 1 / float32(math.Pow(theta, float64(float32(2*i)/float32(headDim))))
	}
	return Rotary{freq}
}

// Angles writes cos and sin [headDim/2] of a position.
func (r Rotary) Angles(cos, sin []float32, position int) {
	for i, f := range r.freq {
		angle := float64(float32(position) * f)
		cos[i], sin[i] = float32(math.Cos(angle)), float32(math.Sin(angle))
	}
}

// Rotate rotates one head [headDim] in place by the angles of its position.
//
//go:norace
func Rotate(head, cos, sin []float32) {
	half := len(cos)
	for i := range half {
		a, b := head[i], head[half+i]
		head[i] = float32(a*cos[i]) - float32(b*sin[i])
		head[half+i] = float32(b*cos[i]) + float32(a*sin[i])
	}
}
