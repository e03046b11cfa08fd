package episode

import (
	"log/slog"
	"testing"
	"time"

	"github.com/hachi-serve/hachi/internal/logtest"
)

// TestALongWaitHasTwoLines: one with the reason when it has become long, one when it
// is over, each time; a short wait has none.
func TestALongWaitHasTwoLines(t *testing.T) {
	for _, test := range []struct {
		waited time.Duration
		want   int
	}{{waitAfter - time.Second, 0}, {2 * waitAfter, 2}} {
		var log logtest.Log
		w := NewWait(log.Logger(), slog.LevelWarn, "waiting for a placement", "a placement has come")
		now := time.Now()
		for again := 1; again <= 2; again++ {
			for passed := time.Duration(0); passed <= test.waited; passed += time.Second {
				now = now.Add(time.Second)
				w.Observe(now, true, func() string { return "none is published" })
			}
			for range 3 {
				w.Observe(now, false, nil)
			}
			if n := log.Count("\n"); n != again*test.want {
				t.Errorf("%d lines after wait %d of %v:\n%s", n, again, test.waited, log.String())
			}
		}
		if test.want > 0 && log.Count(`msg="waiting for a placement" why="none is published"`) == 0 {
			t.Error(log.String())
		}
	}
}
