package measure

import (
	"context"
	"time"
)

// Pause waits, unless ctx ends: then it returns why at once.
func Pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
