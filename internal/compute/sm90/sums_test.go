package sm90

import (
	"encoding/binary"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
)

// The dumps of a GPU are larger than the extracts in testdata, of the same form: for K
// of 16 and 32, w [outs, K] and x [rows, K] of bf16, and sums [rows, outs] of f32. The
// sums of mma.sync and of wgmma were equal on the GPU.
var dumps = flag.String("dumps", "", "directory with sums-wide-*.bin as read from a GPU: w [256, K], x [64, K]")

const rows = 64

// takeSums cuts one K off a dump.
func takeSums(t *testing.T, raw []byte, k, outs int) (w, x, sums, rest []byte) {
	t.Helper()
	for _, part := range []struct {
		to   *[]byte
		size int
	}{{&w, 2 * outs * k}, {&x, 2 * rows * k}, {&sums, 4 * rows * outs}} {
		if len(raw) < part.size {
			t.Fatalf("K=%d: %d bytes are left, expected %d", k, len(raw), part.size)
		}
		*part.to, raw = raw[:part.size], raw[part.size:]
	}
	return w, x, sums, raw
}

// TestTheSumsOfAnH100: the model has the bits of each sum, or prints what differs.
func TestTheSumsOfAnH100(t *testing.T) {
	dir, outs := "testdata", 64
	if *dumps != "" {
		dir, outs = *dumps, 256
	}
	compared := 0
	for _, wide := range []bool{false, true} {
		raw, err := os.ReadFile(filepath.Join(dir, fmt.Sprintf("sums-wide-%v.bin", wide)))
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range []int{16, 32} {
			var w, x, sums []byte
			w, x, sums, raw = takeSums(t, raw, k, outs)
			var p Product
			for i := range rows * outs {
				row, out := i/outs, i%outs
				got := math.Float32bits(p.Dot(w[2*k*out:2*k*(out+1)], x[2*k*row:2*k*(row+1)]))
				if want := binary.LittleEndian.Uint32(sums[4*i:]); got != want {
					t.Fatalf("wide=%v K=%d row %d output %d: %08x, the GPU has %08x\nw %x\nx %x", wide, k, row, out, got, want,
						w[2*k*out:2*k*(out+1)], x[2*k*row:2*k*(row+1)])
				}
				compared++
			}
		}
		if len(raw) > 0 {
			t.Errorf("%d bytes are left", len(raw))
		}
	}
	t.Logf("%d sums are those of the GPU, bit for bit", compared)
}

// TestTheRuleOfASum shows what the model adds to what IEEE 754 says.
func TestTheRuleOfASum(t *testing.T) {
	bf16 := func(v ...float32) []byte {
		out := make([]byte, 2*len(v))
		tensor.Encode(out, v, tensor.BF16)
		return out
	}
	tiny := float32(math.Ldexp(1, -26))
	for name, tt := range map[string]struct {
		w, x []byte
		want float32
	}{
		"nothing":                                 {bf16(), bf16(), 0},
		"an exact sum":                            {bf16(1, 2, -3), bf16(4, 5, 6), -4},
		"2^-25 beside 1 is kept":                  {bf16(1, 2*tiny, -1), bf16(1, 1, 1), 2 * tiny},
		"2^-26 beside 1 is cut off":               {bf16(1, tiny, tiny, -1), bf16(1, 1, 1, 1), 0},
		"the result is cut off, not rounded":      {bf16(1, 3*2*tiny), bf16(1, 1), 1},
		"a product of 1.5*1.5 has the exponent 0": {bf16(1.5, tiny, -1.5), bf16(1.5, 2, 1.5), 2 * tiny},
		"zeros have no exponent":                  {bf16(0, tiny), bf16(1e30, 1), tiny},
		"too large for f32":                       {bf16(3e38, 3e38), bf16(2, 2), float32(math.Inf(1))},
		"infinity times zero":                     {bf16(float32(math.Inf(1))), bf16(0), float32(math.NaN())},
	} {
		var p Product
		if got := p.Dot(tt.w, tt.x); got != tt.want && !(got != got && tt.want != tt.want) {
			t.Errorf("%s: %g, want %g", name, got, tt.want)
		}
	}
}

// expert draws the matrices of an expert.
func expert(hidden, ffn int) (w1, w3, w2 tensor.Weight, x []byte) {
	rng := rand.New(rand.NewPCG(1, 2))
	draw := func(rows, cols int) tensor.Weight {
		w := tensor.Weight{DType: tensor.BF16, Rows: rows, Cols: cols, Data: make([]byte, 2*rows*cols)}
		v, size := make([]float32, cols), 2*cols
		for r := range rows {
			for i := range v {
				v[i] = float32(rng.NormFloat64() / math.Sqrt(float64(cols)))
			}
			tensor.Encode(w.Data[r*size:(r+1)*size], v, tensor.BF16)
		}
		return w
	}
	return draw(ffn, hidden), draw(ffn, hidden), draw(hidden, ffn), draw(1, hidden).Data
}

// TestAnExpertIsNearFloat64: the order and the cuts cost no more than f32 does.
func TestAnExpertIsNearFloat64(t *testing.T) {
	const hidden, ffn = 72, 104 // no whole steps
	w1, w3, w2, x := expert(hidden, ffn)
	var p Product
	y := make([]float32, hidden)
	p.FeedForward(y, w1, w3, w2, x)
	product := func(w tensor.Weight, x []float64) []float64 {
		out, row := make([]float64, w.Rows), make([]float32, w.Cols)
		for r := range out {
			tensor.Decode(row, w.Data[2*r*w.Cols:2*(r+1)*w.Cols], tensor.BF16)
			for i, v := range row {
				out[r] += float64(v) * x[i]
			}
		}
		return out
	}
	in, values := make([]float32, hidden), make([]float64, hidden)
	tensor.Decode(in, x, tensor.BF16)
	for i, v := range in {
		values[i] = float64(v)
	}
	gate, up := product(w1, values), product(w3, values)
	for i, v := range gate {
		gate[i] = v / (1 + math.Exp(-v)) * up[i]
	}
	largest := 0.0
	want := product(w2, gate)
	for _, v := range want {
		largest = max(largest, math.Abs(v))
	}
	for i, v := range want {
		if d := math.Abs(float64(y[i]) - v); !(d <= largest/128) {
			t.Errorf("output %d is %g, want %g within %g", i, y[i], v, largest/128)
		}
	}
}

// BenchmarkExpert is one row at one expert of Mixtral 8x7B, on one core.
func BenchmarkExpert(b *testing.B) {
	const hidden, ffn = 4096, 14336
	w1, w3, w2, x := expert(hidden, ffn)
	var p Product
	y := make([]float32, hidden)
	b.SetBytes(3 * 2 * hidden * ffn)
	for b.Loop() {
		p.FeedForward(y, w1, w3, w2, x)
	}
}
