package sidecar

import (
	"time"

	"github.com/hachi-serve/hachi/internal/backend"
)

// FamilyOf is the family of a device's helper.
func FamilyOf(d backend.Device) string { return d.(*device).family }

// Hurry shortens what a device waits for a helper: for its Hello, and for a run.
func Hurry(d backend.Device, hello, run time.Duration) {
	w := &d.(*device).waits
	w.hello, w.run, w.first, w.last = hello, run, time.Millisecond, time.Millisecond
}

// Waiting is how many questions wait for the present helper of a number.
func Waiting(e backend.Experts, index int) int {
	s := e.(*fleet).helpers[index].present()
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.waiting)
}

// PID is the process of the present helper of a number; 0 while there is none.
func PID(e backend.Experts, index int) int {
	if s := e.(*fleet).helpers[index].present(); s != nil {
		return s.process.Pid
	}
	return 0
}
