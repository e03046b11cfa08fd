package source

import (
	"errors"
	"fmt"
	"io/fs"
)

// Kind is the closed list of what keeps a file from being read.
type Kind string

const (
	Absent      Kind = "not found"
	Denied      Kind = "access denied" // the source wants credentials, or others
	Changed     Kind = "changed"       // the file is not the one that was seen first
	Refused     Kind = "refused"       // hachi does not do what the source asks for
	Malformed   Kind = "unusable answer"
	Damaged     Kind = "damaged"     // the bytes have another hash
	Unavailable Kind = "unavailable" // may work later: reads are tried again
)

// Error says what keeps a file of a source from being read.
type Error struct {
	Place string // without a credential
	File  string
	Kind  Kind
	Err   error
}

func (e *Error) Error() string {
	s := e.Place
	if e.File != "" {
		s += ": " + e.File
	}
	s += ": " + string(e.Kind)
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }

// Is makes a file that is absent a fs.ErrNotExist.
func (e *Error) Is(target error) bool { return target == fs.ErrNotExist && e.Kind == Absent }

// KindOf finds the kind of the first Error in err's chain; "" if there is none.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return ""
}

// Permanent reports whether another try would find the same fault.
func Permanent(err error) bool {
	kind := KindOf(err)
	return kind != "" && kind != Unavailable
}

// OfStatus is the kind of a status of HTTP that is no success.
func OfStatus(status int) Kind {
	switch {
	case status == 404 || status == 410:
		return Absent
	case status == 401 || status == 403:
		return Denied
	case status == 412:
		return Changed
	case status == 408 || status == 425 || status == 429 || status >= 500:
		return Unavailable
	}
	return Malformed
}

// changed is the error of a file that is not the one that was seen first.
func changed(place, file string, was, is Info) error {
	return &Error{place, file, Changed, fmt.Errorf("expected %v, found %v; start the process again when the new model is complete", was, is)}
}
