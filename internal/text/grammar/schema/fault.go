package schema

import (
	"fmt"
	"slices"
)

// Fault is one reason why a schema cannot be used, and where it stands.
type Fault struct {
	Pointer string // JSON pointer (RFC 6901), "" is the schema itself
	Err     error
}

func (f *Fault) Error() string {
	if f.Pointer == "" {
		return f.Err.Error()
	}
	return fmt.Sprintf("%.300s: %v", f.Pointer, f.Err)
}

func (f *Fault) Unwrap() error { return f.Err }

// maxFaults is the maximum number of faults of a schema that are reported.
const maxFaults = 16

// fault records a fault at a value, once.
func (c *compiler) fault(at *value, format string, args ...any) {
	f := &Fault{at.pointer(), fmt.Errorf(format, args...)}
	known := func(other error) bool { return other.Error() == f.Error() }
	if len(c.faults) < maxFaults && !slices.ContainsFunc(c.faults, known) {
		c.faults = append(c.faults, f)
	}
}
