package cores

import "fmt"

// FileError says that a file cannot be a budget, and what to do.
type FileError struct {
	Path string
	Why  string
	Hint string
	Err  error // of the system; nil if the content is at fault
}

func (e *FileError) Error() string {
	out := fmt.Sprintf("budget of cores %s: %s", e.Path, e.Why)
	if e.Err != nil {
		out += ": " + e.Err.Error()
	}
	if e.Hint != "" {
		out += ": " + e.Hint
	}
	return out
}

func (e *FileError) Unwrap() error { return e.Err }
