package chaos

import (
	"fmt"
	"strings"
	"sync"
	"time"
)

// Timeline is what happened, for the reader of a failed test. Its methods may be
// called from any goroutine.
type Timeline struct {
	began time.Time

	mu     sync.Mutex // guards lines and faults
	lines  []string
	faults int
}

// NewTimeline begins now.
func NewTimeline() *Timeline { return &Timeline{began: time.Now()} }

// Note adds a line.
func (t *Timeline) Note(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lines = append(t.lines, fmt.Sprintf("%8.3f s  ", time.Since(t.began).Seconds())+fmt.Sprintf(format, args...))
}

// Fault adds a line that fails the test.
func (t *Timeline) Fault(format string, args ...any) {
	t.Note("FAULT: "+format, args...)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.faults++
}

// Faults is the number of lines that fail the test.
func (t *Timeline) Faults() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.faults
}

// String implements fmt.Stringer.
func (t *Timeline) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.Join(t.lines, "\n")
}
