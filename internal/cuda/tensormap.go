package cuda

import "unsafe"

// TensorMap is CUtensorMap: how the copy engine finds boxes of a tensor.
type TensorMap [128]byte

// BF16Map describes a bf16 matrix [rows, columns] whose boxes of 64 columns and
// boxRows rows land in shared memory in the 128-byte swizzle. Elements outside of the
// matrix read as 0. Columns is a multiple of 8.
func (v *Device) BF16Map(at Pointer, rows, columns, boxRows int) (TensorMap, error) {
	const bf16, rank, noInterleave, swizzle128, promote256, zeros = 9, 2, 0, 3, 3, 0
	room := make([]byte, 2*128) // the driver wants the map aligned
	aligned := unsafe.Pointer(&room[-uintptr(unsafe.Pointer(&room[0]))&127])
	sizes, stride := []uint64{uint64(columns), uint64(rows)}, []uint64{uint64(2 * columns)}
	box, step := []uint32{64, uint32(boxRows)}, []uint32{1, 1}
	err := v.d.do(cuTensorMapEncodeTiled, uintptr(aligned), bf16, rank, uintptr(at), uintptr(unsafe.Pointer(&sizes[0])),
		uintptr(unsafe.Pointer(&stride[0])), uintptr(unsafe.Pointer(&box[0])), uintptr(unsafe.Pointer(&step[0])),
		noInterleave, swizzle128, promote256, zeros)
	return *(*TensorMap)(aligned), err
}
