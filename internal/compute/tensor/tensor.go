package tensor

// Matrix is a borrowed f32 view, row-major: element (i, j) is
// Data[i*Stride+j].
type Matrix struct {
	Rows, Cols, Stride int
	Data               []float32
}

// NewMatrix allocates a dense [rows, cols] matrix of zeros.
func NewMatrix(rows, cols int) Matrix {
	return Matrix{Rows: rows, Cols: cols, Stride: cols, Data: make([]float32, rows*cols)}
}

// Row is row i, aliasing the matrix.
func (m Matrix) Row(i int) []float32 { return m.Data[i*m.Stride : i*m.Stride+m.Cols] }

// Resize is a dense [rows, cols] matrix in the memory of m, or in new memory
// when that is too small. What it holds is undefined.
func (m Matrix) Resize(rows, cols int) Matrix {
	n := rows * cols
	if cap(m.Data) < n {
		return NewMatrix(rows, cols)
	}
	return Matrix{Rows: rows, Cols: cols, Stride: cols, Data: m.Data[:n]}
}

// Slice is rows lo..hi-1, aliasing the matrix.
func (m Matrix) Slice(lo, hi int) Matrix {
	if lo == hi {
		return Matrix{Cols: m.Cols, Stride: m.Stride}
	}
	m.Data, m.Rows = m.Data[lo*m.Stride:(hi-1)*m.Stride+m.Cols], hi-lo
	return m
}

// Weight is a borrowed view of a weight matrix [Rows=out, Cols=in] in the bytes
// of the checkpoint (little-endian, any alignment): row-major, or in blocks when
// quantized. A vector has Rows 1.
type Weight struct {
	DType      DType
	Rows, Cols int
	Data       []byte
}
