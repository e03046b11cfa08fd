package protocol

import "github.com/hachi-serve/hachi/internal/compute/tensor"

// align is where a piece of shared memory begins: a page, as small as pages are.
const align = 4096

func aligned(n int64) int64 { return (n + align - 1) &^ (align - 1) }

// Rows is the layout of the memory of rows: slots, one after the other, of TileRows
// rows to read and as many to write.
type Rows struct {
	Slots    int
	RowBytes int // of a row on the wire
	half     int64
}

// LayOutRows is the layout for a helper and a configuration.
func LayOutRows(h Hello, c Configure) Rows {
	row := c.Hidden * c.Wire.Size()
	return Rows{Slots: c.Slots, RowBytes: row, half: aligned(int64(h.TileRows) * int64(row))}
}

// Size is the number of bytes of the memory.
func (r Rows) Size() int64 { return int64(r.Slots) * 2 * r.half }

// In is the part of memory with n rows that the helper reads.
func (r Rows) In(memory []byte, slot, n int) []byte {
	return piece(memory, 2*int64(slot)*r.half, n*r.RowBytes)
}

// Out is the part of memory with n rows that the helper writes.
func (r Rows) Out(memory []byte, slot, n int) []byte {
	return piece(memory, (2*int64(slot)+1)*r.half, n*r.RowBytes)
}

func piece(memory []byte, at int64, n int) []byte { return memory[at : at+int64(n) : at+int64(n)] }

// Matrices is the layout of the memory of an expert: w1 [ffn, hidden],
// w3 [ffn, hidden] and w2 [hidden, ffn], row after row.
type Matrices struct{ bytes int }

// LayOutMatrices is the layout of matrices of a type.
func LayOutMatrices(c Configure, d tensor.DType) Matrices {
	return Matrices{c.Hidden * c.FFN * d.Size()}
}

// Size is the number of bytes of the memory.
func (m Matrices) Size() int64 { return 3 * aligned(int64(m.bytes)) }

// Matrix is the part of memory with matrix 0, 1 or 2: w1, w3 or w2.
func (m Matrices) Matrix(memory []byte, i int) []byte {
	return piece(memory, int64(i)*aligned(int64(m.bytes)), m.bytes)
}
