package tensor

// Int8, Int4 and Int4Affine matrices are made of blocks of BlockRows rows and a
// few groups of GroupCols columns. A strip of BlockRows rows is the blocks of
// its columns, ascending; the matrix is its strips, ascending. Rows and columns
// beyond the matrix are padding: their weights are zero. Little-endian.
//
// An Int8 block is one group, 544 bytes: for s = 0..7, for r = 0..15, for i =
// 0..3 the byte q+128 of row r and column 4s+i; then 16 scales d, f16, one per
// row. The weight is d*q with q in [-128, 127].
//
// An Int4 block is one group, 288 bytes: for s = 0..3, for r = 0..15, for i =
// 0..3 a byte whose low half is the q of row r, column 4s+i, and whose high half
// that of column 16+4s+i; then 16 scales d, f16. The weight is d*(q-8).
//
// An Int4Affine block is four groups, 1216 bytes: each has its q as in Int4,
// then 16 factors a, bytes, then 16 factors b, bytes; behind the four groups are
// 16 scales d, f16, and 16 scales m, f16. The weight is (d*a)*q - (m*b), all
// products being exact in f32.
//
// One register of 64 bytes holds 4 columns of all 16 rows, as the dot-product
// instructions of processors want them, and a row's scale is in a lane of its
// own, so that no sum ever crosses lanes.
const (
	BlockRows = 16
	GroupCols = 32

	Int8Block       = 512 + 2*BlockRows
	Int4Block       = 256 + 2*BlockRows
	AffineGroup     = 256 + 2*BlockRows
	AffineGroups    = 4
	Int4AffineBlock = AffineGroups*AffineGroup + 4*BlockRows
)

// Quantized reports whether weights of d come in blocks.
func (d DType) Quantized() bool { return d.BlockBytes() > 0 }

// BlockBytes is the size of a block of a quantized type, else 0.
func (d DType) BlockBytes() int {
	switch d {
	case Int8:
		return Int8Block
	case Int4:
		return Int4Block
	case Int4Affine:
		return Int4AffineBlock
	}
	return 0
}

// BlockGroups is how many groups of columns a block of a quantized type has.
func (d DType) BlockGroups() int {
	if d == Int4Affine {
		return AffineGroups
	}
	return 1
}

// Blocks is how many strips a [rows, cols] matrix of a quantized type has, and
// blocks a strip.
func (d DType) Blocks(rows, cols int) (strips, blocks int) {
	wide := d.BlockGroups() * GroupCols
	return (rows + BlockRows - 1) / BlockRows, (cols + wide - 1) / wide
}

// Bytes is the size of a [rows, cols] matrix of d.
func (d DType) Bytes(rows, cols int) int {
	if d.Quantized() {
		strips, blocks := d.Blocks(rows, cols)
		return strips * blocks * d.BlockBytes()
	}
	return rows * cols * d.Size()
}
