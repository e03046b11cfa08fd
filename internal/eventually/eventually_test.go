package eventually

import (
	"testing"
	"testing/synctest"
	"time"
)

// failing records what a test would report.
type failing struct {
	testing.TB
	failed bool
}

func (f *failing) Helper()               {}
func (f *failing) Fatalf(string, ...any) { f.failed = true; panic(f) }

func TestTrueReturnsWhenTheConditionHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		True(t, "a second has passed", func() bool { return time.Since(start) >= time.Second })
		if waited := time.Since(start); waited > time.Second+pause {
			t.Errorf("returned after %v", waited)
		}
	})
}

func TestTrueFailsWhenTheConditionStaysFalse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &failing{TB: t}
		defer func() {
			if recover() != f || !f.failed {
				t.Error("a condition that stays false did not fail the test")
			}
		}()
		True(f, "never", func() bool { return false })
	})
}
