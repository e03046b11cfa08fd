package source

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/hachi-serve/hachi/internal/logtest"
	"github.com/hachi-serve/hachi/internal/weights/checkpoint"
)

const (
	childURL   = "HACHI_TEST_SOURCE_URL"
	childCache = "HACHI_TEST_SOURCE_CACHE"
)

// child is a process that loads a whole model.
func child(url, dir string) int {
	err := func() error {
		cache, err := OpenCache(dir, 0, slog.New(slog.NewTextHandler(os.Stderr, nil)))
		if err != nil {
			return err
		}
		l, err := Parse(url)
		if err != nil {
			return err
		}
		files, err := NewWeb(l, WebConfig{})
		if err != nil {
			return err
		}
		c, err := checkpoint.OpenRemote(context.Background(), NewModel(files, cache))
		if err != nil {
			return err
		}
		_, err = loadAll(context.Background(), c)
		return err
	}()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// tap lets some bytes of a server through, and then stops it until it gets more.
type tap struct {
	mu    sync.Mutex // guards the fields below
	left  int
	empty chan struct{} // closed when nothing is left
}

func (p *tap) fill(bytes int) (empty <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.left, p.empty = bytes, make(chan struct{})
	return p.empty
}

func (p *tap) take(n int) (ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.left <= 0 {
		return false
	}
	if p.left -= n; p.left <= 0 {
		close(p.empty)
	}
	return true
}

// metered writes through a tap. When it is empty, a write waits until the client is gone.
type metered struct {
	http.ResponseWriter
	tap  *tap
	gone <-chan struct{}
}

func (m metered) Write(p []byte) (int, error) {
	written := 0
	for len(p) > 0 {
		n := min(len(p), 4<<10)
		if !m.tap.take(n) {
			<-m.gone
			return written, context.Canceled
		}
		n, err := m.ResponseWriter.Write(p[:n])
		m.ResponseWriter.(http.Flusher).Flush()
		if written += n; err != nil {
			return written, err
		}
		p = p[n:]
	}
	return written, nil
}

// TestProcessesThatAreKilledFetchNothingCompleteTwice kills a process 20 times while a
// model comes.
func TestProcessesThatAreKilledFetchNothingCompleteTwice(t *testing.T) {
	dir, cache := modelDir(t, true), t.TempDir()
	want, digest := local(t, dir)
	ranges := tensors(t, dir)
	size := 0
	for _, r := range ranges {
		size += int(r[1] - r[0])
	}
	var p tap
	o := serve(t, dir, func(o *origin, w http.ResponseWriter, r *http.Request, a asked) bool {
		o.answer(metered{w, &p, r.Context().Done()}, r, a)
		return true
	})
	complete := map[string][2]int64{}
	again := func(kill int) {
		for _, a := range o.took() {
			for name, r := range complete {
				if a.at < r[1] && r[0] < a.end {
					t.Errorf("process %d asked for bytes %d to %d, and %s, at %v, was complete", kill, a.at, a.end, name, r)
				}
			}
		}
		for name, r := range ranges {
			if found, err := filepath.Glob(filepath.Join(cache, tensorsDir, keyOf(digest+"/"+name)+"-*")); err == nil && len(found) > 0 {
				complete[name] = r
			}
		}
	}
	const kills = 20
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range kills {
		empty := p.fill(size/(kills+2)/2 + rng.IntN(size/(kills+2)) + 1)
		cmd, errs := startChild(t, o.URL, cache)
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		select {
		case <-empty:
		case err := <-ended:
			t.Fatalf("process %d ended before it was killed: %v\n%s", i, err, errs)
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		<-ended
		again(i)
	}
	if len(complete) == 0 || len(complete) == len(ranges) {
		t.Errorf("%d of %d tensors were complete before the last process", len(complete), len(ranges))
	}
	p.fill(1 << 40)
	cmd, errs := startChild(t, o.URL, cache)
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, errs)
	}
	again(kills)
	got, err := loadAll(t.Context(), open(t, at(t, o.URL, cacheIn(t, cache, 0), WebConfig{})))
	if err != nil || !same(got, want) {
		t.Errorf("other bytes: %v", err)
	}
	again(kills + 1)
	if left, err := os.ReadDir(filepath.Join(cache, partialDir)); err != nil || len(left) > 0 {
		t.Errorf("%v is left of tensors that are complete: %v", left, err)
	}
}

// startChild starts a process that loads the model.
func startChild(t *testing.T, url, cache string) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	var errs bytes.Buffer
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childURL+"="+url, childCache+"="+cache)
	cmd.Stderr = &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, &errs
}

func cacheLogging(t *testing.T, dir string, log *logtest.Log) *Cache {
	t.Helper()
	c, err := OpenCache(dir, 0, log.Logger())
	if err != nil {
		t.Fatal(err)
	}
	return c
}
