package tensor

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestFormatsAreDescribed: a checkpoint tells formats apart by the bytes of a
// block, and everything else by the name.
func TestFormatsAreDescribed(t *testing.T) {
	names, bytes := map[string]bool{}, map[int]string{}
	for _, d := range Formats() {
		f := d.Format()
		if f.Name == "" || f.Rows < 1 || f.Cols < 1 || f.Bytes < 1 || names[f.Name] {
			t.Errorf("%v is described as %+v", d, f)
		}
		names[f.Name] = true
		if !d.Quantized() {
			continue
		}
		if other, ok := bytes[f.Bytes]; ok || f.Dequantize == nil || f.Cols%GroupCols != 0 {
			t.Errorf("%v: blocks of %d columns in %d bytes, as %q has", d, f.Cols, f.Bytes, other)
		}
		bytes[f.Bytes] = f.Name
	}
}

// TestQuantizedRowsComeBack: every format keeps what it can hold, pads with
// zeros, keeps other rows, and refuses what has no scale.
func TestQuantizedRowsComeBack(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, d := range Targets() {
		for _, cols := range []int{1, 31, 32, 33, 100, 256} {
			const rows = 19
			w := Weight{DType: d, Rows: rows, Cols: cols, Data: make([]byte, d.Bytes(rows, cols))}
			want := make([][]float32, rows)
			for r := range want {
				want[r] = make([]float32, cols)
				for j := range want[r] {
					want[r][j] = float32(rng.NormFloat64())
				}
				if bad := Quantize(w.Data, d, r, want[r]); bad >= 0 {
					t.Fatalf("%v: column %d of row %d does not fit", d, bad, r)
				}
			}
			for r := range want {
				got := make([]float32, cols)
				Dequantize(got, w, r)
				for j, v := range got {
					if largest := largest(want[r][j/GroupCols*GroupCols : min(cols, (j/GroupCols+1)*GroupCols)]); math.Abs(float64(v-want[r][j])) > float64(largest)/4 {
						t.Fatalf("%v: row %d, column %d is %g, want %g", d, r, j, v, want[r][j])
					}
				}
				again := w
				again.Data = make([]byte, len(w.Data))
				twice := make([]float32, cols)
				Quantize(again.Data, d, r, got)
				if Dequantize(twice, again, r); d != Int4 && d != Int8 { // their scales round again
					for j := range got {
						if math.Float32bits(got[j]) != math.Float32bits(twice[j]) {
							t.Fatalf("%v: %g became %g when quantized again", d, got[j], twice[j])
						}
					}
				}
			}
		}
		for _, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
			row := make([]float32, 70)
			row[40] = float32(v)
			if bad := Quantize(make([]byte, d.Bytes(1, 70)), d, 0, row); bad != 32 {
				t.Errorf("%v: a row with %g at 40 is bad from column %d, want 32", d, v, bad)
			}
		}
	}
}
