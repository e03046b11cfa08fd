package cuda

import (
	"cmp"
	"math/bits"
	"slices"
	"sync"
	"unsafe"

	driver "github.com/hachi-serve/hachi/internal/cuda"
)

// Pieces of pinned memory have sizes of powers of two between these. Larger ones are
// not pinned.
const (
	smallestPiece = 12 // 4 KiB
	largestPiece  = 26 // 64 MiB
)

// maxPinned bounds the pinned memory that a device lends, bytes: the kernel can neither
// move nor drop it.
const maxPinned = 1 << 30

// hostMemory lends pinned memory, which the device reads and writes by itself. A piece
// that comes back is lent again. Nothing is freed before close: a piece may be lent longer
// than the experts are open.
type hostMemory struct {
	v     *device
	limit int // bytes

	mu     sync.RWMutex             // guards the fields below
	free   [largestPiece + 1][]lent // by the logarithm of their size
	all    []*driver.Host           // by address
	pinned int                      // bytes of all
	closed bool
}

// lent is a piece, and what gives it back.
type lent struct {
	bytes   []byte
	release func()
	host    *driver.Host
}

// get lends n bytes of unknown content until release is called. They are ordinary memory
// where the driver refuses, and once the device is lost: what it still writes must not
// reach memory that is lent again.
func (h *hostMemory) get(n int) (b []byte, release func()) {
	class := max(smallestPiece, bits.Len(uint(max(n, 1)-1)))
	if class <= largestPiece && h.v.lost.Load() == nil {
		if p, ok := h.take(class); ok {
			return p.bytes[:n], p.release
		}
		if p, ok := h.pin(class); ok {
			return p.bytes[:n], p.release
		}
	}
	return make([]byte, n, max(n, 1<<smallestPiece)), func() {}
}

// take takes a piece that came back.
func (h *hostMemory) take(class int) (p lent, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	free := &h.free[class]
	if len(*free) == 0 || h.closed {
		return p, false
	}
	p = (*free)[len(*free)-1]
	*free = (*free)[:len(*free)-1]
	return p, true
}

// pin allocates a piece.
func (h *hostMemory) pin(class int) (p lent, ok bool) {
	if !h.reserve(1 << class) {
		return p, false
	}
	var host *driver.Host
	err := h.v.use(func() (err error) {
		host, err = h.v.AllocHost(1 << class)
		return err
	})
	h.mu.Lock()
	defer h.mu.Unlock()
	if err != nil {
		h.pinned -= 1 << class
		return p, false
	}
	at, _ := slices.BinarySearchFunc(h.all, host.Bytes, compareAddresses)
	h.all = slices.Insert(h.all, at, host)
	p = lent{bytes: host.Bytes, host: host}
	p.release = func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.free[class] = append(h.free[class], p)
	}
	return p, true
}

// reserve counts a piece before it is allocated, if there is room for it.
func (h *hostMemory) reserve(bytes int) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed || h.pinned+bytes > h.limit {
		return false
	}
	h.pinned += bytes
	return true
}

func compareAddresses(h *driver.Host, b []byte) int { return cmp.Compare(address(h.Bytes), address(b)) }

func address(b []byte) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(b))) }

// holds reports whether b is part of a piece: the device may then copy from and to b.
func (h *hostMemory) holds(b []byte) bool {
	h.mu.RLock()
	defer h.mu.RUnlock()
	at, found := slices.BinarySearchFunc(h.all, b, compareAddresses)
	if !found {
		at-- // the piece that begins before b
	}
	return at >= 0 && address(b)+uintptr(len(b)) <= address(h.all[at].Bytes)+uintptr(len(h.all[at].Bytes))
}

// close frees what has come back, and reports whether that is all: the driver frees the
// rest with its context.
func (h *hostMemory) close() (all bool, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	var closes []driver.Closer
	for class, pieces := range h.free {
		for _, p := range pieces {
			closes = append(closes, p.host.Free)
		}
		h.pinned -= len(pieces) << class
	}
	h.all, h.free = nil, [largestPiece + 1][]lent{}
	return h.pinned == 0, driver.CloseAll(closes)
}
