//go:build !linux

package cores

import (
	"errors"
	"sync/atomic"
	"time"
)

// DefaultPath is "": there is no budget on this system.
func DefaultPath() string { return "" }

// Open fails: a budget needs the futex and the locks of Linux.
func Open(path string, _ int) (*Member, error) {
	return nil, &FileError{Path: path, Why: "cannot be used on this system", Err: errors.ErrUnsupported}
}

// Close does nothing.
func (m *Member) Close() error { return nil }

func (m *Member) dead(uint32) bool { return true }

func sleep(_ *atomic.Uint32, _ uint32, most time.Duration) { time.Sleep(most) }

func wake(*atomic.Uint32) {}
