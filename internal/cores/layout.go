package cores

import (
	"sync/atomic"
	"unsafe"
)

// Limits of a budget.
const (
	MaxCores   = 512
	MaxMembers = 256
)

const (
	magic   = 0x6863_6f72_6573_3820 // no other file begins so
	version = 3
)

// layout is the file, as every member maps it. It has no pointers, and each process
// sees the same bytes: fields never move within a version.
type layout struct {
	magic   atomic.Uint64 // written last when the file is made
	version uint32
	cores   uint32
	_       [48]byte

	turn    atomic.Uint32 // the last one that was taken
	_       uint32
	waiting [MaxMembers / 64]atomic.Uint64 // a bit for each member whose slot may have a turn; only the member changes it
	_       [24]byte

	owners [MaxCores]atomic.Uint32 // 0, or 1 + the index of a slot
	slots  [MaxMembers]slot
}

// slot is a member. It fills a cache line.
type slot struct {
	word atomic.Uint32 // counts the cores that were given; the member sleeps on it
	turn atomic.Uint32 // 0 while the member does not wait
	beat atomic.Uint32 // grows while the member computes
	over atomic.Uint32 // 1 while the member computes without a core
	busy atomic.Uint32 // 1 from Take to Release: else it has no use for a core
	_    [44]byte
}

const layoutSize = int64(unsafe.Sizeof(layout{}))
