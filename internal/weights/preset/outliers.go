package preset

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"github.com/hachi-serve/hachi/internal/model/arch"
	"github.com/hachi-serve/hachi/internal/weights/checkpoint"
)

// Outliers are what trained models have and random ones lack, and what makes
// quantizing hard: channels far larger than their neighbors, and weights with
// heavy tails.
//
// Channels are scaled by powers of two on one side and by the inverse on the
// other, so the model computes what it would without: a norm's weight against
// the columns of the matrices behind it, rows of w3 against columns of w2.
//
// Layers also add an eighth of what they would. A trained layer changes its input
// by little; random ones multiply every error, and 4 bits drown everything.

// Of hidden channels, one in channelRarity gets activations 2^louder times as
// large, and one weights 2^heavier times as large. It is the same channel in
// every layer.
const (
	channelRarity = 128
	louder        = 4
	heavier       = 3
)

// exponents of two for the channels of one kind.
func channelExponents(seed int64, kind string, n int) []int8 {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d/outliers/%s", seed, kind))
	key, out := binary.LittleEndian.Uint64(sum[:8]), make([]int8, n)
	for c := range out {
		switch mix(key+uint64(c)*0x9e3779b97f4a7c15) % channelRarity {
		case 0:
			out[c] = louder
		case 1:
			out[c] = -heavier
		}
	}
	return out
}

// addOutliers scales the channels of a tensor and makes the tails of a matrix
// heavy. A tied embedding is a head, but what it embeds is not behind a norm, so
// it and the norm before it are not scaled.
func (g *generator) addOutliers(seed int64, s checkpoint.Spec, tied bool) {
	g.heavy, g.inputs = !s.Vector, uint64(s.Cols)
	if s.Role == arch.O || s.Role == arch.W2 {
		g.scale /= 8
	}
	switch s.Role {
	case arch.InputNorm, arch.PostNorm:
		g.column = channelExponents(seed, "hidden", s.Cols)
	case arch.FinalNorm:
		if !tied {
			g.column = channelExponents(seed, "hidden", s.Cols)
		}
	case arch.Q, arch.K, arch.V, arch.Gate, arch.W1, arch.W3, arch.Head:
		g.column = negated(channelExponents(seed, "hidden", s.Cols))
	case arch.W2:
		g.column = negated(channelExponents(seed, "inner", s.Cols))
	}
	if s.Role == arch.W3 {
		g.row = channelExponents(seed, "inner", s.Rows)
	}
}

func negated(v []int8) []int8 {
	for i := range v {
		v[i] = -v[i]
	}
	return v
}

// tail is a factor: 8 for one element in 1024, 3 for 31, 1 for the others, and
// its deviation is 1. bits are an element's own.
func tail(bits uint64) float32 {
	const unit = 0.8758089 // 1/sqrt((64 + 31*9 + 992)/1024)
	switch b := mix(bits) % 1024; {
	case b == 0:
		return 8 * unit
	case b < 32:
		return 3 * unit
	}
	return unit
}

// power is 2^n for small n.
func power(n int8) float32 {
	if n < 0 {
		return 1 / float32(int(1)<<-n)
	}
	return float32(int(1) << n)
}
