package failure

import (
	"fmt"
	"runtime/debug"

	"github.com/hachi-serve/hachi/moe"
)

// Panic is a panic that was recovered while a request was answered.
type Panic struct {
	Value any
	Stack []byte
}

func (p *Panic) Error() string { return p.Unwrap().Error() }

// Unwrap returns the panic as an error of a kind.
func (p *Panic) Unwrap() error {
	return &moe.Error{Op: "request", Kind: moe.Internal, Err: fmt.Errorf("panic: %v", p.Value)}
}

// Catch runs f and returns its error, or a *Panic.
func Catch(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &Panic{v, debug.Stack()}
		}
	}()
	return f()
}
