package kernel

import (
	"bytes"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
)

// TestQuantizeIsThatOfTheFormat: whatever loop quantizes, the bytes are those of
// the definition.
func TestQuantizeIsThatOfTheFormat(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, to := range tensor.Targets() {
		for _, k := range Available() {
			const rows, cols = 35, 131
			v := make([]float32, rows*cols)
			for i := range v {
				v[i] = float32(rng.NormFloat64() * math.Exp(3*rng.NormFloat64()-9))
			}
			w := tensor.Weight{DType: tensor.F32, Rows: rows, Cols: cols, Data: bytesOf(v)}
			got, want := make([]byte, to.Bytes(rows, cols)), make([]byte, to.Bytes(rows, cols))
			strips, _ := to.Blocks(rows, cols)
			if err := k.Quantize(NewScratch(), got, to, w, 0, strips); err != nil {
				t.Fatal(err)
			}
			for r := range strips * to.Format().Rows {
				row := make([]float32, cols)
				if r < rows {
					copy(row, v[r*cols:(r+1)*cols])
				}
				if bad := tensor.Quantize(want, to, r, row); bad >= 0 {
					t.Fatalf("column %d of row %d does not fit", bad, r)
				}
			}
			if !bytes.Equal(got, want) {
				t.Errorf("%s: %v differs from the definition", k.Name(), to)
			}
		}
	}
}

// TestWidenedProductsAreDotProducts: a format without a micro-kernel is a
// product of f32 with what Dequantize says.
func TestWidenedProductsAreDotProducts(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for _, d := range tensor.Formats() {
		if Best().formOf(d) != widened {
			continue
		}
		for _, k := range Available() {
			for _, rows := range []int{1, 5, 14, 150} {
				const outputs, cols = 45, 75
				w := tensor.Weight{DType: d, Rows: outputs, Cols: cols, Data: make([]byte, d.Bytes(outputs, cols))}
				for i := range w.Data {
					w.Data[i] = byte(64 + rng.IntN(64))
				}
				x, y := tensor.NewMatrix(rows, cols), tensor.NewMatrix(rows, outputs)
				for i := range x.Data {
					x.Data[i] = float32(rng.NormFloat64())
				}
				s := NewScratch()
				k.MatMul(s, y, x, w, 0, 7)
				k.MatMul(s, y, x, w, 7, outputs)
				wide := make([]float32, cols)
				for o := range outputs {
					tensor.Dequantize(wide, w, o)
					for r := range rows {
						if got, want := y.Row(r)[o], Dot(x.Row(r), wide); math.Float32bits(got) != math.Float32bits(want) {
							t.Fatalf("%s: %v, row %d of %d, output %d is %g, want %g", k.Name(), d, r, rows, o, got, want)
						}
					}
				}
			}
		}
	}
}
