package completion

import (
	"errors"
	"fmt"
)

// Codes of faults, in OpenAI's words where OpenAI has one.
const (
	CodeValue       = "invalid_value"
	CodeUnsupported = "unsupported_parameter"
)

// Fault is what is wrong with a request: no server can answer it. Params have
// the names of the OpenAI API; another API renames them.
type Fault struct {
	Param string
	Code  string
	Err   error // does not repeat the parameter's name
}

func (f *Fault) Error() string { return f.Param + " " + f.Err.Error() }
func (f *Fault) Unwrap() error { return f.Err }

// invalid is a Fault in a parameter's value.
func invalid(param, format string, args ...any) error {
	return &Fault{Param: param, Code: CodeValue, Err: fmt.Errorf(format, args...)}
}

// ErrCanceled is why a request ends that an operator has canceled.
var ErrCanceled = errors.New("the request was canceled by an operator")
