package preset

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"strings"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/weights/checkpoint"
)

// generator makes the elements of one tensor. Element i is a pure function of
// key and i, so any piece can be made anywhere.
type generator struct {
	key   uint64
	scale float32 // of the integer sums below
	mean  float32
	dtype tensor.DType

	// With outliers: heavy tails, and powers of two by which rows and columns
	// are scaled. inputs is the number of columns.
	heavy       bool
	row, column []int8
	inputs      uint64
}

// sumDeviation is the standard deviation of the sum of four independent
// uniform integers in [0, 2^16).
var sumDeviation = math.Sqrt(4 * (65536*65536 - 1) / 12.0)

func newGenerator(o Options, s checkpoint.Spec) generator {
	seed, c := o.Seed, o.Config
	sum := sha256.Sum256(fmt.Appendf(nil, "%d/%s", seed, s.Name))
	mean, deviation := distribution(s, c.TieEmbeddings)
	g := generator{key: binary.LittleEndian.Uint64(sum[:8]), scale: float32(deviation / sumDeviation), mean: mean, dtype: c.DType}
	if o.Outliers {
		g.addOutliers(seed, s, c.TieEmbeddings)
	}
	return g
}

// distribution is the mean and the standard deviation of a tensor's elements.
// 1/sqrt(inputs) keeps a matrix from growing its rows; the expert's second
// matrix makes up for what silu takes away. A tied embedding is a head first.
func distribution(s checkpoint.Spec, tied bool) (mean float32, deviation float64) {
	perInput := 1 / math.Sqrt(float64(s.Cols))
	switch {
	case s.Vector:
		return 1, 0.1
	case strings.Contains(s.Name, "embed_tokens") && !tied:
		return 0, 1
	case strings.HasSuffix(s.Name, "gate.weight"):
		return 0, 1.5 * perInput
	case strings.HasSuffix(s.Name, "w2.weight"):
		return 0, 2 * perInput
	case strings.HasPrefix(s.Name, "lm_head"), strings.Contains(s.Name, "embed_tokens"):
		return 0, 3 * perInput
	default:
		return 0, perInput
	}
}

// value is element i: close to normal, within 3.5 deviations, outliers apart. The four terms
// and their sum are exact in float32, so every machine gets the same bits.
func (g generator) value(i uint64) float32 {
	z := mix(g.key + i*0x9e3779b97f4a7c15)
	sum := int32(z&0xffff) + int32(z>>16&0xffff) + int32(z>>32&0xffff) + int32(z>>48) - 2*65535
	v := float32(float32(sum)*g.scale) + g.mean
	if g.heavy {
		v *= tail(z)
	}
	if g.row != nil {
		v *= power(g.row[i/g.inputs])
	}
	if g.column != nil {
		v *= power(g.column[i%g.inputs])
	}
	return v
}

// mix is the finalizer of SplitMix64.
func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// fill writes elements first, first+1, ... into dst, little-endian.
func (g generator) fill(dst []byte, first int64) {
	i := uint64(first)
	switch g.dtype {
	case tensor.F32:
		for ; len(dst) >= 4; dst, i = dst[4:], i+1 {
			binary.LittleEndian.PutUint32(dst, math.Float32bits(g.value(i)))
		}
	case tensor.BF16:
		for ; len(dst) >= 2; dst, i = dst[2:], i+1 {
			binary.LittleEndian.PutUint16(dst, tensor.ToBF16(g.value(i)))
		}
	case tensor.F16:
		for ; len(dst) >= 2; dst, i = dst[2:], i+1 {
			binary.LittleEndian.PutUint16(dst, tensor.ToF16(g.value(i)))
		}
	}
}
