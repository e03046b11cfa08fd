package faulty

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/hachi-serve/hachi/moe"
)

// instant answers at once.
type instant struct{}

func (instant) Serve(_ *moe.Call, done func(*moe.Reply, error)) func() bool {
	done(&moe.Reply{}, nil)
	return nil
}

func TestAShareOfAnswersIsLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const calls, late = 10_000, 500 * time.Millisecond
		h := &Handler{Under: instant{}, Share: 0.01, Late: late}
		began, times := time.Now(), make(chan time.Duration, calls)
		for range calls {
			h.Serve(&moe.Call{}, func(*moe.Reply, error) { times <- time.Since(began) })
		}
		delayed := 0
		for range calls {
			switch took := <-times; took {
			case 0:
			case late:
				delayed++
			default:
				t.Fatalf("an answer after %v, want 0 or %v", took, late)
			}
		}
		if delayed < calls/200 || delayed > calls/50 {
			t.Errorf("%d of %d answers were late, want about %d", delayed, calls, calls/100)
		}
	})
}
