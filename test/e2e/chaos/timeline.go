package chaos

import (
	"fmt"
	"slices"
	"sync"
	"time"
)

// line is one entry of a timeline or of a log.
type line struct {
	at   time.Time
	text string
}

// String implements fmt.Stringer.
func (l line) String() string { return l.at.UTC().Format("15:04:05.000") + "  " + l.text }

// Timeline is what happened, for the reader of a failed test. Its methods may be
// called from any goroutine.
type Timeline struct {
	// Log shows each line at once.
	Log func(format string, args ...any)

	mu     sync.Mutex // guards lines and faults
	lines  []line
	faults int
}

// Note adds a line.
func (t *Timeline) Note(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := line{time.Now(), fmt.Sprintf(format, args...)}
	t.lines = append(t.lines, l)
	t.Log("%v", l)
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

// Lines are those so far.
func (t *Timeline) Lines() []line {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.lines)
}
