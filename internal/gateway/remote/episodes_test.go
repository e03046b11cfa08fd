package remote

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/hachi-serve/hachi/internal/episode"
	"github.com/hachi-serve/hachi/internal/logtest"
)

// TestAFaultOfARouterHasTwoLines: one when it begins and one when it is over, however
// many answers had to move.
func TestAFaultOfARouterHasTwoLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const answers = 20
		var fates []plan
		for range answers {
			fates = append(fates, plan{1, dies}, plan{1 << 20, whole})
		}
		var log logtest.Log
		e := serve(&fleet{length: 9, fates: fates}, func(c *Config) { c.Logger = log.Logger() }, "a", "b")
		defer e.Stop()
		ask := func(n int) {
			t.Helper()
			for i := range n {
				r := request()
				r.Prompt = []int32{int32(i), 6, 7, 8}
				if _, err := answerOf(t.Context(), e, r); err != nil {
					t.Fatal(err)
				}
				time.Sleep(10 * time.Millisecond)
			}
		}
		ask(answers)
		began := log.Count("a router failed")
		if began < 1 || began > 2 || log.Count("\n") != began {
			t.Errorf("%d answers moved:\n%s", answers, log.String())
		}
		time.Sleep(episode.Flapping)
		ask(answers)
		if ended := log.Count("the router answers again"); ended != began || log.Count("\n") != 2*began {
			t.Errorf("after the faults:\n%s", log.String())
		}
	})
}
