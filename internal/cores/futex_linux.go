package cores

import (
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Operations of futex(2) on words that processes share.
const (
	futexWait = 0
	futexWake = 1
)

// sleep returns when the word is not what was seen, when it is woken, or after a time,
// whichever comes first. The caller looks at the words again, whatever the reason was.
func sleep(word *atomic.Uint32, seen uint32, most time.Duration) {
	t := unix.NsecToTimespec(int64(most))
	_, _, _ = unix.Syscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(word)), futexWait, uintptr(seen), uintptr(unsafe.Pointer(&t)), 0, 0)
}

// wake wakes who sleeps on a word.
func wake(word *atomic.Uint32) {
	_, _, _ = unix.Syscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(word)), futexWake, 1, 0, 0, 0)
}
