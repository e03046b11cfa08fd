package arena

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// align is where a piece of an arena starts: a cache line.
const align = 64

// Arena is zeroed memory outside the Go heap, given out in pieces.
type Arena struct {
	mem  []byte
	used int
}

// New maps memory of size bytes. The error says how much there was to map.
func New(size int64) (*Arena, error) {
	if size == 0 {
		return &Arena{}, nil
	}
	mem, err := unix.Mmap(-1, 0, int(size), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return nil, fmt.Errorf("mapping %d bytes of memory: %w", size, err)
	}
	return &Arena{mem: mem}, nil
}

// Size is what a piece of n bytes takes.
func Size(n int) int64 { return (int64(n) + align - 1) &^ (align - 1) }

// Bytes returns the next piece; the arena has room for it.
func (a *Arena) Bytes(n int) []byte {
	piece := a.mem[a.used : a.used+n : a.used+n]
	a.used += int(Size(n))
	return piece
}

// Floats returns the next piece as n elements.
func (a *Arena) Floats(n int) []float32 {
	if n == 0 {
		return nil
	}
	return unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(a.Bytes(4*n)))), n)
}

// Len is the size of the memory, bytes; 0 once it is closed.
func (a *Arena) Len() int64 { return int64(len(a.mem)) }

// Left is the number of bytes that were not given out.
func (a *Arena) Left() int { return len(a.mem) - a.used }

// Close unmaps all pieces. A second call does nothing, as one of a nil Arena.
func (a *Arena) Close() error {
	if a == nil || a.mem == nil {
		return nil
	}
	mem := a.mem
	a.mem = nil
	return unix.Munmap(mem)
}
