package source

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestAStoppedProcessHoldsUpNoOther: a process that was stopped with SIGSTOP keeps the locks
// of the tensors that it was fetching, and that of the budget.
func TestAStoppedProcessHoldsUpNoOther(t *testing.T) {
	for _, stopped := range []string{"while it fetches", "while it makes room"} {
		t.Run(stopped, func(t *testing.T) {
			dir, cache := modelDir(t, true), t.TempDir()
			want, _ := local(t, dir)
			o := serve(t, dir, nil)
			c := cacheIn(t, cache, 1<<30)
			c.patience = 20 * time.Millisecond
			m := at(t, o.URL, c, WebConfig{})
			if stopped == "while it makes room" {
				hold(t, filepath.Join(cache, lockFile))
			} else {
				if _, err := loadAll(t.Context(), open(t, m)); err != nil {
					t.Fatal(err)
				}
				unfinish(t, cache)
			}
			got, err := loadAll(t.Context(), open(t, m))
			if err != nil || !same(got, want) {
				t.Errorf("other bytes: %v", err)
			}
		})
	}
}

// hold locks a file until the test ends.
func hold(t *testing.T, path string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		t.Fatal(err)
	}
}

// unfinish makes each tensor of a cache one that another process fetches.
func unfinish(t *testing.T, cache string) {
	t.Helper()
	all, err := os.ReadDir(filepath.Join(cache, tensorsDir))
	if err != nil || len(all) == 0 {
		t.Fatal(all, err)
	}
	for _, e := range all {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(filepath.Join(cache, tensorsDir, e.Name())); err != nil {
			t.Fatal(err)
		}
		key := e.Name()[:len(keyOf())]
		hold(t, filepath.Join(cache, partialDir, partialName(key, info.Size())))
	}
}

// TestAProcessThatFetchesIsWaitedFor: what grows is on the way, whatever it takes.
func TestAProcessThatFetchesIsWaitedFor(t *testing.T) {
	path := filepath.Join(t.TempDir(), "partial")
	now := time.Now()
	other := growth{since: now}
	for size := range 5 {
		if err := os.WriteFile(path, make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
		now = now.Add(time.Hour)
		if d := other.look(path, now); d != 0 {
			t.Errorf("%d bytes: nothing was added for %v", size, d)
		}
	}
	if d := other.look(path, now.Add(time.Hour)); d != time.Hour {
		t.Errorf("nothing was added for %v, want an hour", d)
	}
}
