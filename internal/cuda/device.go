package cuda

import (
	"bytes"
	"errors"
	"runtime"
	"unsafe"
)

// Device is one GPU with its primary context.
type Device struct {
	Name         string
	Major, Minor int    // compute capability
	SMs          int    // multiprocessors
	Shared       int    // bytes of shared memory that a block may ask for
	Memory       uint64 // bytes

	d       *Driver
	ordinal int32
	context uintptr
}

// The driver's numbers of device attributes.
const (
	attributeSMs    = 16
	attributeMajor  = 75
	attributeMinor  = 76
	attributeShared = 97
)

// Devices is the number of GPUs.
func (d *Driver) Devices() (int, error) {
	var n int32
	err := d.do(cuDeviceGetCount, uintptr(unsafe.Pointer(&n)))
	return int(n), err
}

// Device opens GPU i and keeps its context until Close.
func (d *Driver) Device(i int) (*Device, error) {
	v := &Device{d: d}
	if err := d.do(cuDeviceGet, uintptr(unsafe.Pointer(&v.ordinal)), uintptr(i)); err != nil {
		return nil, err
	}
	name := make([]byte, 128)
	err := errors.Join(
		d.do(cuDeviceGetName, uintptr(unsafe.Pointer(&name[0])), uintptr(len(name)), uintptr(v.ordinal)),
		d.do(cuDeviceTotalMem, uintptr(unsafe.Pointer(&v.Memory)), uintptr(v.ordinal)),
		v.attribute(attributeSMs, &v.SMs), v.attribute(attributeShared, &v.Shared),
		v.attribute(attributeMajor, &v.Major), v.attribute(attributeMinor, &v.Minor))
	if err != nil {
		return nil, err
	}
	name, _, _ = bytes.Cut(name, []byte{0})
	v.Name = string(name)
	if err := d.do(cuDevicePrimaryCtxRetain, uintptr(unsafe.Pointer(&v.context)), uintptr(v.ordinal)); err != nil {
		return nil, err
	}
	return v, nil
}

// attribute asks for one number about the device.
func (v *Device) attribute(number int, to *int) error {
	var n int32
	err := v.d.do(cuDeviceGetAttribute, uintptr(unsafe.Pointer(&n)), uintptr(number), uintptr(v.ordinal))
	*to = int(n)
	return err
}

// Do runs work with the device's context on this goroutine's thread. Calls may nest.
func (v *Device) Do(work func() error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := v.d.do(cuCtxPushCurrent, v.context); err != nil {
		return err
	}
	failed := work()
	var popped uintptr
	if err := v.d.do(cuCtxPopCurrent, uintptr(unsafe.Pointer(&popped))); err != nil && failed == nil {
		return err
	}
	return failed
}

// FreeMemory is the number of bytes that can be allocated now.
func (v *Device) FreeMemory() (uint64, error) {
	var free, total uint64
	err := v.d.do(cuMemGetInfo, uintptr(unsafe.Pointer(&free)), uintptr(unsafe.Pointer(&total)))
	return free, err
}

// Close gives the context back. What was made on the device has been closed.
func (v *Device) Close() error { return v.d.do(cuDevicePrimaryCtxRelease, uintptr(v.ordinal)) }
