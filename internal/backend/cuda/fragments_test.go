package cuda

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/hachi-serve/hachi/internal/compute/kernel"
	"github.com/hachi-serve/hachi/internal/compute/tensor"
)

// randomWeight is a matrix in a format.
func randomWeight(t *testing.T, format tensor.DType, rows, cols int) tensor.Weight {
	t.Helper()
	rng, v := rand.New(rand.NewPCG(uint64(format), 1)), make([]float32, rows*cols)
	for i := range v {
		v[i] = float32(rng.NormFloat64())
	}
	w := tensor.Weight{DType: tensor.BF16, Rows: rows, Cols: cols, Data: make([]byte, 2*rows*cols)}
	tensor.Encode(w.Data, v, tensor.BF16)
	if format == tensor.BF16 {
		return w
	}
	return quantized(t, w, format)
}

// quantized is a matrix in another format.
func quantized(t *testing.T, w tensor.Weight, format tensor.DType) tensor.Weight {
	t.Helper()
	rows, cols := w.Rows, w.Cols
	q := tensor.Weight{DType: format, Rows: rows, Cols: cols, Data: make([]byte, format.Bytes(rows, cols))}
	strips, _ := format.Blocks(rows, cols)
	if err := kernel.Go().Quantize(kernel.NewScratch(), q.Data, format, w, 0, strips); err != nil {
		t.Fatal(err)
	}
	return q
}

// widened reads row i and column k of a block as kernels/widen.cuh does.
func widened(block []byte, format tensor.DType, i, k int) float32 {
	lane, at := (i%8)*4+k%8/2, (k/16*4+k%16/8*2+i/8)*2+k%2
	scaleAt := i%8*4 + i/8*2 + k/32
	half := func(from int) float32 { return tensor.FromF16(binary.LittleEndian.Uint16(block[from+2*scaleAt:])) }
	switch format {
	case tensor.BF16:
		at *= 2
		return math.Float32frombits(uint32(binary.LittleEndian.Uint16(block[at/16*512+lane*16+at%16:])) << 16)
	case tensor.Int8:
		return half(1024) * float32(int(block[at/16*512+lane*16+at%16])-128)
	}
	nibble := at/2%4 + at%2*4
	q := int(block[lane*16+at/8*4+nibble/2]) >> (nibble % 2 * 4) & 15
	if format == tensor.Int4 {
		return half(512) * float32(q-8)
	}
	magnitude := [8]float64{0, 0.5, 1, 1.5, 2, 3, 4, 6}[q&7]
	if q&8 != 0 {
		magnitude = -magnitude
	}
	return float32(math.Ldexp(magnitude, int(block[512+scaleAt])-127))
}

func TestABlockHoldsTheWeightsOfItsRows(t *testing.T) {
	const rows, cols, columns = 75, 90, 128
	for _, format := range portableFormats {
		w1, w3 := randomWeight(t, format, rows, cols), randomWeight(t, format, rows, cols)
		for name, of := range map[string]stripRows{"w1 and w3 by turns": alternating(w1, w3), "w2": stacked(w1)} {
			for strip := range 6 {
				image := make([]byte, matrixBytes(format, 16, columns))
				writeStrip(image, of, strip, columns)
				for i := range 16 {
					w, row := of.row(strip, i)
					want := make([]float32, columns)
					if row < rows && format.Quantized() {
						tensor.Dequantize(want[:cols], *w, row)
					} else if row < rows {
						tensor.Decode(want[:cols], w.Data[2*row*cols:2*(row+1)*cols], format)
					}
					for k := range columns {
						size := blockBytes(format)
						if got := widened(image[k/64*size:(k/64+1)*size], format, i, k%64); got != want[k] {
							t.Fatalf("%v, %s: row %d of strip %d, column %d is %g, want %g", format, name, i, strip, k, got, want[k])
						}
					}
				}
			}
		}
	}
}
