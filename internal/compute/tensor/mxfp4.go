package tensor

import "math"

// An MXFP4 block is 32 columns of one row, 17 bytes: 16 bytes of e2m1 codes,
// column 2i in the low half of byte i and column 2i+1 in the high half, then the
// scale, e8m0. The weight is 2^(scale-127) times the value of its code, exactly.
// A scale of 255 makes the block NaN.
//
// Quantize has the scale 2^(floor(log2(max|w|)) - 2) and rounds to nearest, ties
// to the even code; what lies above 6 scales becomes 6. Values that an MXFP4
// block can hold come back as they are, so importing a model that was trained in
// MXFP4 and stored wider is exact.
//
// Source: OCP Microscaling Formats (MX) Specification 1.0, sections 5.3.3, 5.4.1
// and 6.3.
const (
	mxfp4Cols    = 32
	mxfp4Block   = mxfp4Cols/2 + 1
	mxfp4Bias    = 127 // of the scale
	mxfp4MaxExp  = 2   // the largest code is 1.5 * 2^2
	mxfp4NaN     = 255
	mxfp4SignBit = 8
)

// e2m1 is the values of the codes without their sign.
var e2m1 = [8]float32{0, 0.5, 1, 1.5, 2, 3, 4, 6}

var mxfp4Format = Format{Name: "mxfp4", Rows: 1, Cols: mxfp4Cols, Bytes: mxfp4Block, Dequantize: fromMXFP4, Quantize: toMXFP4}

func fromMXFP4(dst []float32, block []byte, _ int) {
	scale := math.Ldexp(1, int(block[mxfp4Cols/2])-mxfp4Bias)
	if block[mxfp4Cols/2] == mxfp4NaN {
		scale = math.NaN()
	}
	for j := range dst {
		code := block[j/2] >> (j % 2 * 4) & 15
		v := float32(float64(e2m1[code&^mxfp4SignBit]) * scale)
		if code&mxfp4SignBit != 0 {
			v = -v
		}
		dst[j] = v
	}
}

func toMXFP4(block []byte, _ int, src []float32) bool {
	m := largest(src)
	exponent := -mxfp4Bias
	if m > 0 {
		_, above := math.Frexp(float64(m)) // m is 0.5 to 1 times 2^above
		exponent = max(above-1-mxfp4MaxExp, -mxfp4Bias)
	}
	clear(block)
	block[mxfp4Cols/2] = byte(exponent + mxfp4Bias)
	for j, v := range src {
		code := nearestE2M1(math.Ldexp(math.Abs(float64(v)), -exponent))
		if math.Signbit(float64(v)) {
			code |= mxfp4SignBit
		}
		block[j/2] |= code << (j % 2 * 4)
	}
	return m <= math.MaxFloat32
}

// nearestE2M1 is the code of the value nearest to v >= 0, of two the even code.
func nearestE2M1(v float64) byte {
	for code := range len(e2m1) - 1 {
		middle := (float64(e2m1[code]) + float64(e2m1[code+1])) / 2
		if v < middle || v == middle && code%2 == 0 {
			return byte(code)
		}
	}
	return byte(len(e2m1) - 1)
}
