package cpu

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// arenaAlign is where a piece of an arena starts: a cache line.
const arenaAlign = 64

// arena is zeroed memory outside the Go heap, given out in pieces. The collector
// lets garbage grow to the size of the heap before it collects, so a large cache
// in the heap would allow as much garbage. Pages take memory once they are
// written.
type arena struct {
	mem  []byte
	used int
}

// newArena maps memory. The error says how much there was to map.
func newArena(size int64) (*arena, error) {
	if size == 0 {
		return &arena{}, nil
	}
	mem, err := unix.Mmap(-1, 0, int(size), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return nil, fmt.Errorf("mapping %d bytes of memory: %w", size, err)
	}
	return &arena{mem: mem}, nil
}

// arenaSize is what a piece of n bytes takes.
func arenaSize(n int) int64 { return (int64(n) + arenaAlign - 1) &^ (arenaAlign - 1) }

// bytes returns the next piece; the arena has room for it.
func (a *arena) bytes(n int) []byte {
	piece := a.mem[a.used : a.used+n : a.used+n]
	a.used += int(arenaSize(n))
	return piece
}

// floats returns the next piece as n elements.
func (a *arena) floats(n int) []float32 {
	if n == 0 {
		return nil
	}
	return unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(a.bytes(4*n)))), n)
}

// close unmaps all pieces.
func (a *arena) close() error {
	if a == nil || a.mem == nil {
		return nil
	}
	mem := a.mem
	a.mem = nil
	return unix.Munmap(mem)
}
