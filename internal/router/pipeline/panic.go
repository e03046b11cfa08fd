package pipeline

import (
	"fmt"
	"runtime/debug"

	"github.com/hachi-serve/hachi/moe"
)

// Panic is the cause of the moe.Internal error that a recovered panic becomes.
type Panic struct {
	Value any
	Stack []byte // of the goroutine that panicked
}

// Error implements error. The stack is for the log, not for a client.
func (p *Panic) Error() string { return fmt.Sprintf("panic: %v", p.Value) }

// Recover turns a panic of the calling goroutine into a moe.Internal error
// about op in *err. It must be deferred directly.
func Recover(op string, err *error) {
	if v := recover(); v != nil {
		*err = &moe.Error{Op: op, Kind: moe.Internal, Err: &Panic{Value: v, Stack: debug.Stack()}}
	}
}
