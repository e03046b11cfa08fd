package moe

import (
	"fmt"
	"runtime/debug"
)

// Panic is the cause of the Internal error that a recovered panic becomes.
type Panic struct {
	Value any
	Stack []byte // of the goroutine that panicked
}

// Error implements error. The stack is for the log, not for a client.
func (p *Panic) Error() string { return fmt.Sprintf("panic: %v", p.Value) }

// Recover turns a panic of the calling goroutine into an Internal error about op
// in *err. It must be deferred directly. The panic of another goroutine that was
// passed on as a *Panic keeps its stack.
func Recover(op string, err *error) {
	v := recover()
	if v == nil {
		return
	}
	p, passedOn := v.(*Panic)
	if !passedOn {
		p = &Panic{Value: v, Stack: debug.Stack()}
	}
	*err = &Error{Op: op, Kind: Internal, Err: p}
}
