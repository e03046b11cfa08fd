package checkpoint

import (
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// state is what the system says of a file's content and status.
type state struct {
	size, modified, changed int64 // bytes; ns since 1970
	links                   uint64
	mode, owner, group      uint32
}

func stateOf(f *os.File) (state, error) {
	var s unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &s); err != nil {
		return state{}, os.NewSyscallError("fstat", err)
	}
	return state{s.Size, s.Mtim.Nano(), s.Ctim.Nano(), uint64(s.Nlink), uint32(s.Mode), s.Uid, s.Gid}, nil
}

// checkUnchanged reports whether the content of a file may differ from what it was
// when it was opened. It costs a system call.
//
// A write, also one by a mapping, changes the time of modification before it changes
// a byte. A tool may set that time back; the time of the change of status tells. That
// time changes too when a file is renamed, linked, or gets other permissions: its
// content is the same then.
func (f *file) checkUnchanged() error {
	now, err := stateOf(f.f)
	if err != nil {
		return &Error{File: f.path, Fault: Unreadable, Err: err}
	}
	was := *f.state.Load()
	at := func(ns int64) string { return time.Unix(0, ns).UTC().Format(time.RFC3339Nano) }
	fault := func(expected, found string) error {
		return &Error{File: f.path, Fault: Changed, Expected: expected + ", as when it was opened", Found: found}
	}
	switch {
	case now == was:
		return nil
	case now.size != was.size:
		return fault(fmt.Sprintf("%d bytes", was.size), fmt.Sprint(now.size))
	case now.modified != was.modified:
		return fault("a modification at "+at(was.modified), at(now.modified))
	case now.links == was.links && now.mode == was.mode && now.owner == was.owner && now.group == was.group && !f.replaced():
		return fault("a change of status at "+at(was.changed), at(now.changed))
	}
	f.state.Store(&now)
	return nil
}

// replaced reports whether the path of a file leads to another file, or to none.
func (f *file) replaced() bool {
	there, err := os.Stat(f.path)
	open, errOpen := f.f.Stat()
	return errOpen == nil && (err != nil || !os.SameFile(there, open))
}

// Unchanged reports the first file whose content may differ from what it was when the
// checkpoint was opened, as an *Error. What was read or computed from the files, or
// from maps of them, before a call that returns nil is of the checkpoint. It costs a
// system call for each file; weights that were loaded from elsewhere are private to the
// process. It is safe for concurrent use.
func (c *Checkpoint) Unchanged() error {
	if c.remote != nil {
		return nil
	}
	for _, f := range c.files {
		if err := f.checkUnchanged(); err != nil {
			return err
		}
	}
	return nil
}

// Replaced reports the files that are no longer at their paths. The checkpoint goes on
// with those that were there when it was opened.
func (c *Checkpoint) Replaced() error {
	var all []error
	for _, f := range c.files {
		if f.f != nil && f.replaced() {
			all = append(all, fmt.Errorf("%s is another file now, or none", f.path))
		}
	}
	return errors.Join(all...)
}
