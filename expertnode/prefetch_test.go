package expertnode

import (
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hachi-serve/hachi/moe"
)

// TestTheNextExpertIsFetchedWhileOneIsLoaded: one ahead, in the order of loads, and none
// when there is nothing to load.
func TestTheNextExpertIsFetchedWhileOneIsLoaded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := run(t, nil)
		b.disk.slow[e(0, 1)] = time.Minute
		b.target <- want(e(0, 0), e(0, 1), e(1, 1))
		time.Sleep(2 * time.Minute)
		b.disk.mu.Lock()
		got := b.disk.ahead
		b.disk.mu.Unlock()
		if want := [][]moe.ExpertID{{e(0, 0), e(0, 1)}, {e(0, 1), e(1, 1)}, {e(1, 1)}}; !reflect.DeepEqual(got, want) {
			t.Errorf("fetched ahead %v, expected %v", got, want)
		}
		b.stop(t)
	})
}

// TestNothingIsFetchedBeyondTheCapacity.
func TestNothingIsFetchedBeyondTheCapacity(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := run(t, func(c *Config) { c.Capacity = 2 * uint64(c.ExpertBytes) })
		b.target <- want(e(0, 0), e(0, 1), e(1, 1))
		time.Sleep(time.Second)
		b.disk.mu.Lock()
		got := b.disk.ahead
		b.disk.mu.Unlock()
		for i, ids := range got {
			if i > 0 && len(ids) > 1 {
				t.Errorf("with an expert resident and room for two, %v are fetched", ids)
			}
		}
		if len(got) == 0 {
			t.Error("nothing was fetched")
		}
		b.stop(t)
	})
}
