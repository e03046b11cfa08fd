package router

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// TestARouterThatWaitsSaysSo: one line when the wait for a placement has become long,
// one when it is over, and none for a cluster that starts.
func TestARouterThatWaitsSaysSo(t *testing.T) {
	for _, test := range []struct {
		waited time.Duration
		want   int
	}{{waitAfter - time.Second, 0}, {2 * waitAfter, 2}} {
		var log bytes.Buffer
		var c Config
		c.Logger = slog.New(slog.NewTextHandler(&log, nil))
		began := time.Now()
		w := wait{began: began}
		for passed := time.Duration(0); passed <= test.waited; passed += time.Second {
			w.observe(c, began.Add(passed), false)
		}
		for range 3 {
			w.observe(c, began.Add(test.waited), true)
		}
		w.observe(c, began.Add(2*test.waited), false)
		if n := strings.Count(log.String(), "\n"); n != test.want {
			t.Errorf("%d lines after a wait of %v:\n%s", n, test.waited, &log)
		}
	}
}
