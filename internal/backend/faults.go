package backend

import "fmt"

// LostError says that a device computes nothing any more, until its process ends: a
// fault of the hardware or the driver, or a kernel that does not end. What was asked
// of the device has to be asked of another node.
type LostError struct {
	Device string // for people
	Err    error
}

func (e *LostError) Error() string { return fmt.Sprintf("%s is lost: %v", e.Device, e.Err) }

func (e *LostError) Unwrap() error { return e.Err }

// UnsupportedError says that a backend does not compute something.
type UnsupportedError struct {
	Backend string
	Found   string
	Want    string // what it computes, and the way there
}

func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("backend %s does not compute %s: %s", e.Backend, e.Found, e.Want)
}
