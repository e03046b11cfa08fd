package rowbuf

import (
	"math/bits"
	"sync"
	"unsafe"
)

const (
	// Align is the alignment of all memory, in bytes: a cache line, and the
	// widest vector register.
	Align = 64

	smallest = 11 // 2 KiB
	largest  = 26 // 64 MiB
)

// Pool lends memory. The zero value is ready.
type Pool struct {
	// Poison overwrites memory that comes back, so that tests see who still
	// reads it. Set it before use.
	Poison bool

	classes [largest + 1]sync.Pool // of *buffer, by the logarithm of their size
}

// buffer is one piece of memory and the function that gives it back, made once.
type buffer struct {
	data    []byte
	release func()
}

// Get lends n bytes of unknown content. Call release exactly once, when
// nothing reads or writes them any more. Their capacity is at least 2 KiB.
func (p *Pool) Get(n int) (data []byte, release func()) {
	class := max(smallest, bits.Len(uint(max(n, 1)-1)))
	if class > largest {
		return aligned(n), func() {}
	}
	b, ok := p.classes[class].Get().(*buffer)
	if !ok {
		b = &buffer{data: aligned(1 << class)}
		b.release = func() {
			if p.Poison {
				for i := range b.data {
					b.data[i] = 0xdb
				}
			}
			p.classes[class].Put(b)
		}
	}
	return b.data[:n], b.release
}

// aligned allocates n bytes.
func aligned(n int) []byte {
	raw := make([]byte, n+Align)
	skip := int(-uintptr(unsafe.Pointer(&raw[0])) & (Align - 1))
	return raw[skip : skip+n : skip+n]
}
