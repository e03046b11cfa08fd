package tensor

import (
	"fmt"
	"slices"
)

// DType is a format of weights or rows. Its number is an index into formats and
// has no other meaning: ask the table.
type DType uint8

const (
	Invalid DType = iota
	F32
	F16
	BF16
	Int8       // blocks of 8-bit integers
	Int4       // blocks of 4-bit integers around 8
	Int4Affine // blocks of 4-bit integers with a scale and a minimum
	MXFP4      // blocks of 4-bit floats with a power of two
)

// Format says how the elements of a matrix lie in memory. A matrix is made of
// blocks of Rows x Cols elements in Bytes bytes. A strip of Rows rows is the
// blocks of its columns, ascending; the matrix is its strips, ascending. Rows and
// columns beyond the matrix are padding: their weights are zero. Little-endian.
//
// A format needs no loop in package kernel: without one it is widened to f32 by
// Dequantize. No two formats of more than one column have the same Bytes, because
// a checkpoint tells formats apart by it.
type Format struct {
	Name              string
	Rows, Cols, Bytes int
	// Dequantize writes the Cols values of a row of a block. It is nil for
	// formats of single elements: see Decode.
	Dequantize func(dst []float32, block []byte, row int)
	// Quantize writes Cols values as a row of a block. It reports whether all are
	// finite and fit. It is nil for formats that are imported only.
	Quantize func(block []byte, row int, src []float32) bool
}

// formats is what is known about each DType.
var formats = [...]Format{
	Invalid:    {Name: "invalid"},
	F32:        {Name: "f32", Rows: 1, Cols: 1, Bytes: 4},
	F16:        {Name: "f16", Rows: 1, Cols: 1, Bytes: 2},
	BF16:       {Name: "bf16", Rows: 1, Cols: 1, Bytes: 2},
	Int8:       int8Format,
	Int4:       int4Format,
	Int4Affine: int4AffineFormat,
	MXFP4:      mxfp4Format,
}

// Formats lists every DType but Invalid.
func Formats() []DType {
	var all []DType
	for d := range formats[1:] {
		all = append(all, DType(d+1))
	}
	return all
}

// Targets lists the formats that weights can be quantized to.
func Targets() []DType {
	return slices.DeleteFunc(Formats(), func(d DType) bool { return d.Format().Quantize == nil })
}

// Target is the format of a name that weights can be quantized to. The error
// lists the names there are.
func Target(name string) (DType, error) {
	for _, d := range Targets() {
		if d.String() == name {
			return d, nil
		}
	}
	return Invalid, fmt.Errorf("%q: want one of %v", name, Targets())
}

// Format is what is known about d; the zero Format for a number without one.
func (d DType) Format() Format {
	if int(d) >= len(formats) {
		return Format{}
	}
	return formats[d]
}

func (d DType) String() string {
	if d == Invalid || int(d) >= len(formats) {
		return fmt.Sprintf("dtype %d", uint8(d))
	}
	return formats[d].Name
}

// Known reports whether d is a format.
func (d DType) Known() bool { return d != Invalid && int(d) < len(formats) }

// Quantized reports whether weights of d come in blocks.
func (d DType) Quantized() bool { return int(d) < len(formats) && formats[d].Cols > 1 }

// Size is the width of an element in bytes; 0 for quantized formats, whose
// elements share scales.
func (d DType) Size() int {
	if !d.Known() || formats[d].Cols > 1 {
		return 0
	}
	return formats[d].Bytes
}

// BlockBytes is the size of a block of a quantized format, else 0.
func (d DType) BlockBytes() int {
	if !d.Quantized() {
		return 0
	}
	return formats[d].Bytes
}

// BlockGroups is how many groups of GroupCols columns a block of a quantized
// format has, else 1.
func (d DType) BlockGroups() int { return max(1, formats[d].Cols/GroupCols) }

// Blocks is how many strips a [rows, cols] matrix of a quantized format has, and
// blocks a strip.
func (d DType) Blocks(rows, cols int) (strips, blocks int) {
	f := &formats[d]
	return (rows + f.Rows - 1) / f.Rows, (cols + f.Cols - 1) / f.Cols
}

// Bytes is the size of a [rows, cols] matrix of d.
func (d DType) Bytes(rows, cols int) int {
	if !d.Known() {
		return 0
	}
	strips, blocks := d.Blocks(rows, cols)
	return strips * blocks * formats[d].Bytes
}

// Dequantize writes row r of a quantized weight to dst [w.Cols].
func Dequantize(dst []float32, w Weight, r int) {
	f := w.DType.Format()
	_, blocks := w.DType.Blocks(w.Rows, w.Cols)
	strip := w.Data[r/f.Rows*blocks*f.Bytes:]
	for ; len(dst) >= f.Cols; dst, strip = dst[f.Cols:], strip[f.Bytes:] {
		f.Dequantize(dst[:f.Cols], strip[:f.Bytes], r%f.Rows)
	}
	if len(dst) > 0 {
		last := make([]float32, f.Cols)
		f.Dequantize(last, strip[:f.Bytes], r%f.Rows)
		copy(dst, last)
	}
}

// Quantize writes row [cols] as row r of a quantized matrix of that many
// columns in data. It returns the first column of the first block that is not
// finite or does not fit, or -1. Beyond the columns it writes zeros.
func Quantize(data []byte, d DType, r int, row []float32) (bad int) {
	f := d.Format()
	_, blocks := d.Blocks(1, len(row))
	strip := data[r/f.Rows*blocks*f.Bytes:]
	for at := 0; at < blocks; at++ {
		block, values := strip[at*f.Bytes:(at+1)*f.Bytes], row[at*f.Cols:]
		if len(values) < f.Cols {
			values = append(make([]float32, 0, f.Cols), values...)[:f.Cols]
		}
		if !f.Quantize(block, r%f.Rows, values[:f.Cols]) {
			return at * f.Cols
		}
	}
	return -1
}
