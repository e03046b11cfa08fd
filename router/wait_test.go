package router

import (
	"testing"
	"time"

	"github.com/hachi-serve/hachi/internal/logtest"
)

// TestARouterThatWaitsSaysSo: one line when the wait for a placement has become long,
// one when it is over, and none for a cluster that starts.
func TestARouterThatWaitsSaysSo(t *testing.T) {
	for _, test := range []struct {
		waited time.Duration
		want   int
	}{{waitAfter - time.Second, 0}, {2 * waitAfter, 2}} {
		var log logtest.Log
		var c Config
		c.Logger = log.Logger()
		began := time.Now()
		w := wait{began: began}
		for passed := time.Duration(0); passed <= test.waited; passed += time.Second {
			w.observe(c, began.Add(passed), false)
		}
		for range 3 {
			w.observe(c, began.Add(test.waited), true)
		}
		w.observe(c, began.Add(2*test.waited), false)
		if n := log.Count("\n"); n != test.want {
			t.Errorf("%d lines after a wait of %v:\n%s", n, test.waited, &log)
		}
	}
}
