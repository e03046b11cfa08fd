package source

import (
	"os"
	"path/filepath"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// TestProcessesKeepTheBudgetTogether: four caches in one directory, each with locks of its
// own as in a process. No cache makes room while the files are counted.
func TestProcessesKeepTheBudgetTogether(t *testing.T) {
	dir, cache := modelDir(t, true), t.TempDir()
	want, _ := local(t, dir)
	o := serve(t, dir, nil)
	const budget = 600_000 // five tensors of an expert
	var loading, counting sync.WaitGroup
	for range 4 {
		c := open(t, at(t, o.URL, cacheIn(t, cache, budget), WebConfig{}))
		loading.Go(func() {
			if got, err := loadAll(t.Context(), c); err != nil || !same(got, want) {
				t.Errorf("other bytes: %v", err)
			}
		})
	}
	done := make(chan struct{})
	looks := 0
	counting.Go(func() {
		for over := false; !over; looks++ {
			select {
			case <-done:
				over = true
			default:
			}
			if n := weigh(t, cache); n > budget {
				t.Errorf("%d bytes of tensors, the budget is %d", n, budget)
				return
			}
		}
	})
	loading.Wait()
	close(done)
	counting.Wait()
	if looks < 2 {
		t.Errorf("%d looks", looks)
	}
}

// weigh counts the bytes of tensors, complete and on the way, between two evictions. What
// becomes complete meanwhile is counted once at most.
func weigh(t *testing.T, cache string) (n int64) {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(cache, lockFile), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{tensorsDir, partialDir} {
		entries, err := os.ReadDir(filepath.Join(cache, d))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if info, err := e.Info(); err == nil {
				n += info.Size()
			}
		}
	}
	return n
}
