package failure

import (
	"errors"

	"github.com/hachi-serve/hachi/internal/router/pipeline"
)

// Catch runs f and returns its error; a panic becomes a moe.Internal error.
func Catch(f func() error) (err error) {
	defer pipeline.Recover("request", &err)
	return f()
}

// Stack returns the stack of the panic that an error came from, for the log.
func Stack(err error) (stack []byte, ok bool) {
	var p *pipeline.Panic
	if errors.As(err, &p) {
		return p.Stack, true
	}
	return nil, false
}
