package failure

import (
	"errors"

	"github.com/hachi-serve/hachi/moe"
)

// Catch runs f and returns its error; a panic becomes a moe.Internal error.
func Catch(f func() error) (err error) {
	defer moe.Recover("request", &err)
	return f()
}

// Stack returns the stack of the panic that an error came from, for the log.
func Stack(err error) (stack []byte, ok bool) {
	var p *moe.Panic
	if errors.As(err, &p) {
		return p.Stack, true
	}
	return nil, false
}
