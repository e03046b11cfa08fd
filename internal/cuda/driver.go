package cuda

import (
	"fmt"
	"unsafe"
)

// MinVersion is the oldest CUDA version of a driver that loads the kernels of this
// binary, which are built with CUDA 13.0.
const MinVersion = 13000

// Library is a loaded driver library.
type Library interface {
	// Symbol is the address of a function.
	Symbol(name string) (uintptr, error)
	// Call calls a function with the arguments of C, and returns its CUresult.
	Call(function uintptr, args ...uintptr) uintptr
}

// Driver is an initialized driver.
type Driver struct {
	lib       Library
	functions [callCount]uintptr
}

// call numbers the driver's functions that this package uses.
type call int

const (
	cuInit call = iota
	cuDriverGetVersion
	cuGetErrorName
	cuGetErrorString
	cuDeviceGetCount
	cuDeviceGet
	cuDeviceGetName
	cuDeviceGetAttribute
	cuDeviceTotalMem
	cuDevicePrimaryCtxRetain
	cuDevicePrimaryCtxRelease
	cuCtxPushCurrent
	cuCtxPopCurrent
	cuModuleLoadData
	cuModuleUnload
	cuModuleGetFunction
	cuFuncSetAttribute
	cuLaunchKernelEx
	cuMemGetInfo
	cuMemAlloc
	cuMemFree
	cuMemHostAlloc
	cuMemFreeHost
	cuMemcpyHtoDAsync
	cuMemcpyDtoHAsync
	cuMemsetD8Async
	cuStreamCreate
	cuStreamDestroy
	cuStreamSynchronize
	cuEventCreate
	cuEventDestroy
	cuEventRecord
	cuEventQuery
	cuEventElapsedTime
	cuTensorMapEncodeTiled
	callCount
)

// symbols are the names in the library, whose suffix is the version of the
// function's parameters.
var symbols = [callCount]string{
	cuInit: "cuInit", cuDriverGetVersion: "cuDriverGetVersion", cuGetErrorName: "cuGetErrorName", cuGetErrorString: "cuGetErrorString",
	cuDeviceGetCount: "cuDeviceGetCount", cuDeviceGet: "cuDeviceGet", cuDeviceGetName: "cuDeviceGetName",
	cuDeviceGetAttribute: "cuDeviceGetAttribute", cuDeviceTotalMem: "cuDeviceTotalMem_v2",
	cuDevicePrimaryCtxRetain: "cuDevicePrimaryCtxRetain", cuDevicePrimaryCtxRelease: "cuDevicePrimaryCtxRelease_v2",
	cuCtxPushCurrent: "cuCtxPushCurrent_v2", cuCtxPopCurrent: "cuCtxPopCurrent_v2",
	cuModuleLoadData: "cuModuleLoadData", cuModuleUnload: "cuModuleUnload", cuModuleGetFunction: "cuModuleGetFunction",
	cuFuncSetAttribute: "cuFuncSetAttribute", cuLaunchKernelEx: "cuLaunchKernelEx",
	cuMemGetInfo: "cuMemGetInfo_v2", cuMemAlloc: "cuMemAlloc_v2", cuMemFree: "cuMemFree_v2",
	cuMemHostAlloc: "cuMemHostAlloc", cuMemFreeHost: "cuMemFreeHost",
	cuMemcpyHtoDAsync: "cuMemcpyHtoDAsync_v2", cuMemcpyDtoHAsync: "cuMemcpyDtoHAsync_v2",
	cuMemsetD8Async: "cuMemsetD8Async",
	cuStreamCreate:  "cuStreamCreate", cuStreamDestroy: "cuStreamDestroy_v2", cuStreamSynchronize: "cuStreamSynchronize",
	cuEventCreate: "cuEventCreate", cuEventDestroy: "cuEventDestroy_v2", cuEventRecord: "cuEventRecord", cuEventQuery: "cuEventQuery",
	cuEventElapsedTime: "cuEventElapsedTime", cuTensorMapEncodeTiled: "cuTensorMapEncodeTiled",
}

// Open initializes the driver of a library. It refuses a driver older than
// MinVersion.
func Open(lib Library) (*Driver, error) {
	d := &Driver{lib: lib}
	var err error
	if d.functions[cuDriverGetVersion], err = lib.Symbol(symbols[cuDriverGetVersion]); err != nil {
		return nil, fmt.Errorf("libcuda.so.1 is no driver of CUDA: %w", err)
	}
	version, err := d.Version()
	if err != nil {
		return nil, err
	}
	if version < MinVersion {
		return nil, &VersionError{Found: version}
	}
	for c, name := range symbols {
		if d.functions[c], err = lib.Symbol(name); err != nil {
			return nil, fmt.Errorf("libcuda.so.1 of CUDA %s has no %s: reinstall the driver: %w", versionText(version), name, err)
		}
	}
	if err := d.do(cuInit, 0); err != nil {
		return nil, err
	}
	return d, nil
}

// Version is the newest CUDA version that the driver supports: 13000 is 13.0.
func (d *Driver) Version() (int, error) {
	var v int32
	err := d.do(cuDriverGetVersion, uintptr(unsafe.Pointer(&v)))
	return int(v), err
}

// do calls a function of the driver. A caller converts pointers in the expression of
// the call, so that what they point to stays alive and in place until do returns.
//
//go:uintptrescapes
func (d *Driver) do(c call, args ...uintptr) error {
	code := Code(d.lib.Call(d.functions[c], args...))
	if code == Success {
		return nil
	}
	return &Error{Call: symbols[c], Code: code, Name: d.describe(cuGetErrorName, code), Text: d.describe(cuGetErrorString, code)}
}

// describe is the driver's name or text of a code.
func (d *Driver) describe(c call, code Code) string {
	var text *byte
	if d.functions[c] == 0 || d.ask(c, uintptr(code), uintptr(unsafe.Pointer(&text))) != Success || text == nil {
		return "unknown"
	}
	n := 0
	for *(*byte)(unsafe.Add(unsafe.Pointer(text), n)) != 0 {
		n++
	}
	return string(unsafe.Slice(text, n))
}

// ask calls a function whose failure is no error.
//
//go:uintptrescapes
func (d *Driver) ask(c call, args ...uintptr) Code { return Code(d.lib.Call(d.functions[c], args...)) }
