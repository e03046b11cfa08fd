package cuda

import (
	"encoding/binary"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	driver "github.com/hachi-serve/hachi/internal/cuda"
)

// filling writes pinned memory from the front.
type filling struct {
	pinned []byte
	device driver.Pointer
	n      int
}

// next is room for bytes, and where the device finds it.
func (f *filling) next(bytes int) ([]byte, driver.Pointer) {
	b, at := f.pinned[f.n:f.n+bytes:f.n+bytes], f.device+driver.Pointer(f.n)
	f.n += (bytes + 15) &^ 15
	return b, at
}

// matrix writes rows as f32, padded with zeros to columns.
func (f *filling) matrix(m tensor.Matrix, columns int) driver.Pointer {
	b, at := f.next(4 * m.Rows * columns)
	for i := range m.Rows {
		row := b[4*i*columns : 4*(i+1)*columns]
		tensor.Encode(row, m.Row(i), tensor.F32)
		clear(row[4*m.Cols:])
	}
	return at
}

// numbers writes int32s.
func (f *filling) numbers(n int, each func(i int) int32) driver.Pointer {
	b, at := f.next(4 * n)
	for i := range n {
		binary.LittleEndian.PutUint32(b[4*i:], uint32(each(i)))
	}
	return at
}

// send uploads what was written.
func (l *denseLane) send(f *filling) error { return l.stream.Upload(f.device, f.pinned[:f.n]) }

// filling begins to write what goes to the device.
func (l *denseLane) filling() *filling { return &filling{pinned: l.in.Bytes, device: l.input.Pointer} }

// reading downloads to pinned memory from the front.
type reading struct {
	l *denseLane
	n int
}

// next queues a copy, and returns where it will be.
func (r *reading) next(from driver.Pointer, bytes int) ([]byte, error) {
	b := r.l.out.Bytes[r.n : r.n+bytes : r.n+bytes]
	r.n += (bytes + 15) &^ 15
	return b, r.l.stream.Download(b, from)
}
