package cuda

import (
	"errors"
	"fmt"
)

// ErrNoDriver says that the machine has no CUDA driver.
var ErrNoDriver = errors.New("libcuda.so.1 not found: install the NVIDIA driver, or give the container a GPU")

// VersionError says that the driver is older than MinVersion.
type VersionError struct{ Found int }

func (e *VersionError) Error() string {
	return fmt.Sprintf("the driver supports CUDA %s, expected %s or later: update the NVIDIA driver", versionText(e.Found), versionText(MinVersion))
}

// versionText writes 13000 as 13.0.
func versionText(v int) string { return fmt.Sprintf("%d.%d", v/1000, v%1000/10) }

// Code is a CUresult.
type Code uint32

// The codes that callers or hints distinguish.
const (
	Success              Code = 0
	InvalidValue         Code = 1
	OutOfMemory          Code = 2
	Deinitialized        Code = 4
	StubLibrary          Code = 34
	DeviceUnavailable    Code = 46
	NoDevice             Code = 100
	InvalidDevice        Code = 101
	InvalidContext       Code = 201
	NoBinaryForGPU       Code = 209
	ECCUncorrectable     Code = 214
	NVLinkUncorrectable  Code = 220
	NotFound             Code = 500
	NotReady             Code = 600
	IllegalAddress       Code = 700
	LaunchTimeout        Code = 702
	ContextDestroyed     Code = 709
	AssertFailed         Code = 710
	HardwareStackError   Code = 714
	IllegalInstruction   Code = 715
	MisalignedAddress    Code = 716
	InvalidAddressSpace  Code = 717
	InvalidPC            Code = 718
	LaunchFailed         Code = 719
	SystemNotReady       Code = 802
	SystemDriverMismatch Code = 803
	Unknown              Code = 999
)

// hints are the ways out.
var hints = map[Code]string{
	OutOfMemory:          "free the device's memory (nvidia-smi lists its processes) or give this node fewer experts",
	StubLibrary:          "libcuda.so.1 is the stub of a toolkit: put the driver's own first in LD_LIBRARY_PATH",
	DeviceUnavailable:    "another process has the device for itself: see its compute mode in nvidia-smi",
	NoDevice:             "no GPU is visible: see nvidia-smi, CUDA_VISIBLE_DEVICES and the container's nvidia.com/gpu limit",
	InvalidDevice:        "the driver has no device of this number: nvidia-smi -L lists them",
	NoBinaryForGPU:       "this GPU is older than compute capability 8.0",
	ECCUncorrectable:     "the device's memory is damaged: see its Xid in dmesg, and reset or replace the device",
	SystemNotReady:       "start nvidia-fabricmanager",
	SystemDriverMismatch: "the driver's library and kernel module differ: reboot",
}

// Error is a call of the driver that failed.
type Error struct {
	Call string // the driver's function
	Code Code
	Name string // the driver's name of the code, as CUDA_ERROR_OUT_OF_MEMORY
	Text string // the driver's text
}

func (e *Error) Error() string {
	text := fmt.Sprintf("%s: %s (%d): %s", e.Call, e.Name, e.Code, e.Text)
	if hint, ok := hints[e.Code]; ok {
		return text + ": " + hint
	}
	if Sticky(e) {
		return text + ": see the Xid of the device in dmesg, and restart this process"
	}
	return text
}

// Is reports whether target is an *Error of the same code.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// Sticky reports whether an error has made the context useless: every later call
// fails too, until the process ends.
func Sticky(err error) bool {
	var e *Error
	if !errors.As(err, &e) {
		return false
	}
	switch e.Code {
	case Deinitialized, ECCUncorrectable, NVLinkUncorrectable, IllegalAddress, LaunchTimeout, ContextDestroyed, AssertFailed,
		HardwareStackError, IllegalInstruction, MisalignedAddress, InvalidAddressSpace, InvalidPC, LaunchFailed, Unknown:
		return true
	}
	return false
}
