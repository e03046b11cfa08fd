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
	}{{9 * time.Second, 0}, {20 * time.Second, 2}} {
		var log logtest.Log
		w, began := newWait(log.Logger()), time.Now()
		for passed := time.Duration(0); passed <= test.waited; passed += time.Second {
			w.Observe(began.Add(passed), true, whyNoPlacement)
		}
		for range 3 {
			w.Observe(began.Add(test.waited), false, whyNoPlacement)
		}
		if n := log.Count("\n"); n != test.want || test.want > 0 && log.Count("hachi doctor says why") == 0 {
			t.Errorf("%d lines after a wait of %v:\n%s", n, test.waited, log.String())
		}
	}
}
