package peer

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/hachi-serve/hachi/internal/weights/checkpoint"
	"github.com/hachi-serve/hachi/internal/weights/source"
)

// homeOf serves a directory by HTTP and opens it as a home. It counts bytes of weights.
func homeOf(t *testing.T, dir string) (h *Home, sent *atomic.Int64) {
	t.Helper()
	sent = &atomic.Int64{}
	files := http.FileServer(http.Dir(dir))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		files.ServeHTTP(counted{w, sent}, r)
	}))
	t.Cleanup(server.Close)
	l, err := source.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	web, err := source.NewWeb(l, source.WebConfig{})
	if err != nil {
		t.Fatal(err)
	}
	cache, err := source.OpenCache(t.TempDir(), 0, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	m := source.NewModel(web, cache)
	c, err := checkpoint.OpenRemote(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	if h, err = NewHome(c, m); err != nil {
		t.Fatal(err)
	}
	return h, sent
}

type counted struct {
	http.ResponseWriter
	sent *atomic.Int64
}

func (c counted) Write(p []byte) (int, error) {
	c.sent.Add(int64(len(p)))
	return c.ResponseWriter.Write(p)
}

// TestTheHomeGivesWhatNoNodeGives: all of it while there is no node, nothing while nodes
// hold the experts, and the rest of a tensor whose node dies.
func TestTheHomeGivesWhatNoNodeGives(t *testing.T) {
	dir := modelDir(t, 7, true)
	want, size, digest := local(t, dir)
	var pieces atomic.Int64
	dying := func(g *giver, ctx context.Context, name string, at int64, dst []byte) error {
		if isBulk(name, at, dst) && pieces.Add(1) == 7 {
			go g.server.Stop()
			<-ctx.Done()
			return ctx.Err()
		}
		return nil
	}
	for name, tt := range map[string]struct {
		givers []*giver
		home   func(n int64) bool // whether the home may have sent n bytes
	}{
		"no node":          {nil, func(n int64) bool { return n == size }},
		"a node":           {[]*giver{give(t, "a", dir, nil)}, func(n int64) bool { return n == 0 }},
		"a node that dies": {[]*giver{give(t, "b", dir, dying)}, func(n int64) bool { return n > 0 && n < size }},
	} {
		t.Run(name, func(t *testing.T) {
			home, sent := homeOf(t, dir)
			c, m := joinAs(t, t.TempDir(), WithHome(asking(slog.New(slog.DiscardHandler), tt.givers...), home))
			if c.Digest() != digest || !strings.HasPrefix(c.Dir(), "peer://,http://") {
				t.Errorf("digest %s at %s, expected %s", c.Digest(), c.Dir(), digest)
			}
			sent.Store(0)
			before := m.Fetched()
			got, err := expertsOf(t.Context(), c)
			if err != nil || !same(got, want) {
				t.Fatalf("other bytes: %v", err)
			}
			if n := m.Fetched() - before; n != size {
				t.Errorf("fetched %d bytes of experts of %d", n, size)
			}
			if n := sent.Load(); !tt.home(n) {
				t.Errorf("the home sent %d bytes of experts of %d", n, size)
			}
		})
	}
}
