package checkpoint

import (
	"errors"
	"strings"
)

// Fault is the closed list of what can be wrong with a checkpoint.
type Fault string

const (
	Foreign    Fault = "not a checkpoint"  // the path is something else; the cause says what, and the way out
	Unreadable Fault = "unreadable"        // the file cannot be opened or read
	Truncated  Fault = "truncated"         // fewer bytes than the header promises
	Trailing   Fault = "trailing bytes"    // more bytes than the header promises
	BadHeader  Fault = "bad header"        // not a safetensors header
	Overlap    Fault = "overlap"           // two tensors share bytes
	Hole       Fault = "hole"              // bytes that belong to no tensor
	WrongSize  Fault = "wrong size"        // byte range and shape disagree
	WrongDType Fault = "wrong dtype"       // elements hachi cannot compute with
	WrongShape Fault = "wrong shape"       // not the shape the configuration implies
	Missing    Fault = "missing tensor"    // the configuration asks for it
	Unexpected Fault = "unexpected tensor" // nothing in the model uses it
	Duplicate  Fault = "duplicate tensor"  // in two files, or twice in one
	BadIndex   Fault = "bad index"         // model.safetensors.index.json is wrong
	BadConfig  Fault = "bad config"        // config.json is wrong
	BadValue   Fault = "bad value"         // NaN or infinity where it ruins everything
	Changed    Fault = "changed"           // the file is not the one that was opened
	Damaged    Fault = "damaged"           // bytes differ from the manifest
)

// Error says what is wrong with a checkpoint, where, and what was expected.
type Error struct {
	File     string // path
	Tensor   string // name, if it is about one
	Fault    Fault
	Expected string
	Found    string
	Err      error // the cause, if any
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Tensor != "" {
		b.WriteString(": tensor " + e.Tensor)
	}
	b.WriteString(": " + string(e.Fault))
	if e.Expected != "" {
		b.WriteString(": expected " + e.Expected)
	}
	if e.Found != "" {
		b.WriteString(", found " + e.Found)
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	return b.String()
}

func (e *Error) Unwrap() error { return e.Err }

// FaultOf finds the fault of the first Error in err's chain; "" if none.
func FaultOf(err error) Fault {
	var e *Error
	if errors.As(err, &e) {
		return e.Fault
	}
	return ""
}

// ErrNoManifest means there are no current full hashes to check against.
var ErrNoManifest = errors.New("checkpoint: no current manifest; make one with model inspect --verify")
