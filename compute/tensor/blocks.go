package tensor

// Int8 and Int4 matrices are made of blocks of BlockRows rows and BlockCols
// columns. A strip of BlockRows rows is the blocks of its columns, ascending;
// the matrix is its strips, ascending. Rows and columns beyond the matrix are
// padding: their integers stand for zero. Little-endian.
//
// An Int8 block is 544 bytes: for s = 0..7, for r = 0..15, for i = 0..3 the byte
// q+128 of row r and column 4s+i; then 16 scales d, f16, one per row. The weight
// is d*q with q in [-128, 127].
//
// An Int4 block is 304 bytes: for s = 0..3, for r = 0..15, for i = 0..3 a byte
// whose low half is the q of row r, column 4s+i, and whose high half that of
// column 16+4s+i; then 16 scales d, f16; then 16 zero points z, bytes in 0..15.
// The weight is d*(q-z) with q in 0..15.
//
// One register of 64 bytes holds 4 columns of all 16 rows, as the dot-product
// instructions of processors want them, and a row's scale is in a lane of its
// own, so that no sum ever crosses lanes.
const (
	BlockRows = 16
	BlockCols = 32
	Int8Block = 512 + 2*BlockRows
	Int4Block = 256 + 2*BlockRows + BlockRows
)

// Quantised reports whether weights of d come in blocks.
func (d DType) Quantised() bool { return d == Int8 || d == Int4 }

// BlockBytes is the size of a block of a quantised type, else 0.
func (d DType) BlockBytes() int {
	switch d {
	case Int8:
		return Int8Block
	case Int4:
		return Int4Block
	}
	return 0
}

// Blocks is how many strips a quantised matrix has, and blocks a strip.
func Blocks(rows, cols int) (strips, blocks int) {
	return (rows + BlockRows - 1) / BlockRows, (cols + BlockCols - 1) / BlockCols
}

// Bytes is the size of a [rows, cols] matrix of d.
func (d DType) Bytes(rows, cols int) int {
	if d.Quantised() {
		strips, blocks := Blocks(rows, cols)
		return strips * blocks * d.BlockBytes()
	}
	return rows * cols * d.Size()
}
