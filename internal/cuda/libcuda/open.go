//go:build linux && (amd64 || arm64)

package libcuda

import (
	"fmt"

	"github.com/ebitengine/purego"

	"github.com/hachi-serve/hachi/internal/cuda"
)

// library is a cuda.Library.
type library struct{ handle uintptr }

// Open opens libcuda.so.1 as the loader finds it.
func Open() (cuda.Library, error) { return OpenFile("libcuda.so.1") }

// OpenFile opens a library by its path.
func OpenFile(path string) (cuda.Library, error) {
	handle, err := purego.Dlopen(path, purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		return nil, fmt.Errorf("%w (%v)", cuda.ErrNoDriver, err)
	}
	return library{handle}, nil
}

// Symbol implements cuda.Library.
func (l library) Symbol(name string) (uintptr, error) { return purego.Dlsym(l.handle, name) }

// Call implements cuda.Library.
func (library) Call(function uintptr, args ...uintptr) uintptr {
	r, _, _ := purego.SyscallN(function, args...)
	return r
}
