package jinja

import "fmt"

// Error says what is wrong with a template, or with rendering it.
type Error struct {
	Line   int
	Reason string
	// Raised is true when the template itself refused by raise_exception.
	Raised bool
}

func (e *Error) Error() string {
	if e.Raised {
		return e.Reason
	}
	return fmt.Sprintf("line %d: %s", e.Line, e.Reason)
}

// fail ends parsing or rendering. It panics, as text/template does internally, and
// catch turns the panic into an error: a template is a deep recursion of small
// steps, any of which may fail.
func fail(line int, format string, args ...any) {
	panic(&Error{Line: line, Reason: fmt.Sprintf(format, args...)})
}

// stopped is the error of a context that ended a rendering.
type stopped struct{ error }

func catch(err *error) {
	switch e := recover().(type) {
	case nil:
	case *Error:
		*err = e
	case stopped:
		*err = e.error
	default:
		panic(e)
	}
}
