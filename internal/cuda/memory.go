package cuda

import (
	"errors"
	"unsafe"
)

// Pointer is an address in device memory.
type Pointer uint64

// Buffer is device memory.
type Buffer struct {
	Pointer
	Size int // bytes

	d *Driver
}

// Alloc allocates n bytes of device memory, aligned to 256.
func (v *Device) Alloc(n int) (*Buffer, error) {
	b := &Buffer{Size: n, d: v.d}
	if err := v.d.do(cuMemAlloc, uintptr(unsafe.Pointer(&b.Pointer)), uintptr(n)); err != nil {
		return nil, err
	}
	return b, nil
}

// Free returns the memory, once the device is done with all that was queued before.
func (b *Buffer) Free() error { return b.d.do(cuMemFree, uintptr(b.Pointer)) }

// Host is pinned host memory, which the device copies to and from by itself.
type Host struct {
	Bytes []byte

	d *Driver
}

// AllocHost allocates n bytes of pinned memory.
func (v *Device) AllocHost(n int) (*Host, error) {
	const portable = 1 // pinned for every context
	var p unsafe.Pointer
	if err := v.d.do(cuMemHostAlloc, uintptr(unsafe.Pointer(&p)), uintptr(n), portable); err != nil {
		return nil, err
	}
	return &Host{Bytes: unsafe.Slice((*byte)(p), n), d: v.d}, nil
}

// Free returns the memory; no copy may use it any more.
func (h *Host) Free() error {
	return h.d.do(cuMemFreeHost, uintptr(unsafe.Pointer(unsafe.SliceData(h.Bytes))))
}

// Closer is anything of this package that is given back.
type Closer func() error

// CloseAll closes in the reverse order, and reports every fault.
func CloseAll(all []Closer) error {
	var faults []error
	for i := len(all) - 1; i >= 0; i-- {
		faults = append(faults, all[i]())
	}
	return errors.Join(faults...)
}
