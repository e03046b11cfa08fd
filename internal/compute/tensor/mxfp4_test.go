package tensor

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"testing"
)

// TestMXFP4EqualsKnownVectors: testdata/make_mxfp4.py made them with ml_dtypes.
func TestMXFP4EqualsKnownVectors(t *testing.T) {
	raw, err := os.ReadFile("testdata/mxfp4.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []struct {
		Name         string
		Values, Back []uint32 // bits of f32
		Block        []int
	}
	if err := json.Unmarshal(raw, &vectors); err != nil || len(vectors) < 40 {
		t.Fatalf("%d vectors, %v", len(vectors), err)
	}
	for _, v := range vectors {
		values, want, got := make([]float32, 32), make([]byte, mxfp4Block), make([]byte, mxfp4Block)
		for i := range values {
			values[i] = math.Float32frombits(v.Values[i])
		}
		for i := range want {
			want[i] = byte(v.Block[i])
		}
		if bad := Quantize(got, MXFP4, 0, values); bad >= 0 || !bytes.Equal(got, want) {
			t.Errorf("%s: %x, bad column %d, want %x", v.Name, got, bad, want)
		}
		back := make([]float32, 32)
		Dequantize(back, Weight{DType: MXFP4, Rows: 1, Cols: 32, Data: want}, 0)
		for i := range back {
			if math.Float32bits(back[i]) != v.Back[i] {
				t.Errorf("%s: column %d is %g, want %g", v.Name, i, back[i], math.Float32frombits(v.Back[i]))
			}
		}
	}
}

// TestMXFP4KeepsWhatItCanHold: every value of every code under every scale that
// an f32 can hold comes back as it was.
func TestMXFP4KeepsWhatItCanHold(t *testing.T) {
	for scale := range mxfp4Bias + 126 {
		for top := 1; top < 8; top++ { // the largest code of the block
			block := make([]byte, mxfp4Block)
			block[mxfp4Cols/2] = byte(scale)
			for j := range mxfp4Cols / 2 {
				block[j] = byte(j%(top+1)) | byte(j%(top+1)|mxfp4SignBit)<<4
			}
			want, got := make([]float32, mxfp4Cols), make([]float32, mxfp4Cols)
			fromMXFP4(want, block, 0)
			again := make([]byte, mxfp4Block)
			if !toMXFP4(again, 0, want) {
				t.Fatalf("scale %d: refused", scale)
			}
			fromMXFP4(got, again, 0)
			for j := range want {
				if math.Float32bits(got[j]) != math.Float32bits(want[j]) {
					t.Fatalf("scale %d, largest code %d: %g became %g", scale, top, want[j], got[j])
				}
			}
		}
	}
}
