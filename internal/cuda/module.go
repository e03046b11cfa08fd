package cuda

import (
	"runtime"
	"unsafe"
)

// Module is loaded code: a cubin, or PTX.
type Module struct {
	d      *Driver
	handle uintptr
}

// Load loads code. The driver compiles PTX, which takes a while.
func (v *Device) Load(image []byte) (*Module, error) {
	image = append(image[:len(image):len(image)], 0) // PTX is read as a C string
	m := &Module{d: v.d}
	if err := v.d.do(cuModuleLoadData, uintptr(unsafe.Pointer(&m.handle)), uintptr(unsafe.Pointer(&image[0]))); err != nil {
		return nil, err
	}
	return m, nil
}

// Unload forgets the code; none of its functions runs.
func (m *Module) Unload() error { return m.d.do(cuModuleUnload, m.handle) }

// Function is a kernel. It lives as long as its module.
type Function struct {
	d      *Driver
	handle uintptr
}

// Function finds a kernel by its extern "C" name.
func (m *Module) Function(name string) (*Function, error) {
	f := &Function{d: m.d}
	c := append([]byte(name), 0)
	if err := m.d.do(cuModuleGetFunction, uintptr(unsafe.Pointer(&f.handle)), m.handle, uintptr(unsafe.Pointer(&c[0]))); err != nil {
		return nil, err
	}
	return f, nil
}

// AllowShared lets the kernel ask for n bytes of dynamic shared memory.
func (f *Function) AllowShared(n int) error {
	const maxDynamicShared = 8
	return f.d.do(cuFuncSetAttribute, f.handle, maxDynamicShared, uintptr(n))
}

// Launch says where and how a kernel runs.
type Launch struct {
	Grid, Block int // blocks; threads of a block
	Shared      int // bytes of dynamic shared memory
	// Overlap lets the kernel start before the one ahead of it in the stream has
	// ended; the kernel waits by itself, with griddepcontrol.wait.
	Overlap bool
}

// launchConfig is CUlaunchConfig, launchAttribute CUlaunchAttribute.
type launchConfig struct {
	grid, block [3]uint32
	shared      uint32
	_           uint32
	stream      uintptr
	attributes  *launchAttribute
	count       uint32
	_           uint32
}

type launchAttribute struct {
	id    uint32
	_     uint32
	value [64]byte
}

const attributeProgrammatic = 6

// Launch queues a kernel. P points to its only parameter, laid out as the kernel's
// struct, of which the driver takes a copy.
func (f *Function) Launch(s *Stream, l Launch, p unsafe.Pointer) error {
	config := launchConfig{grid: [3]uint32{uint32(l.Grid), 1, 1}, block: [3]uint32{uint32(l.Block), 1, 1}, shared: uint32(l.Shared), stream: s.handle}
	overlap := launchAttribute{id: attributeProgrammatic, value: [64]byte{1}}
	if l.Overlap {
		config.attributes, config.count = &overlap, 1
	}
	params := [1]unsafe.Pointer{p}
	err := f.d.do(cuLaunchKernelEx, uintptr(unsafe.Pointer(&config)), f.handle, uintptr(unsafe.Pointer(&params)), 0)
	runtime.KeepAlive(&overlap)
	runtime.KeepAlive(p)
	return err
}
