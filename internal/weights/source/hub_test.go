package source

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/hachi-serve/hachi/internal/logtest"
)

// hubOf is a double of the Hugging Face hub: files of weights are in stores elsewhere, to
// which it redirects by URLs that are signed and run out; small files it serves itself,
// by a redirect within.
type hubOf struct {
	*httptest.Server
	store *httptest.Server
	dir   string

	mu     sync.Mutex // guards the fields below
	signed int
	runOut int      // how many more URLs have run out when they are used
	leaks  []string // of credentials to the store
}

func startHub(t *testing.T, dir string) *hubOf {
	t.Helper()
	h := &hubOf{dir: dir}
	h.store = httptest.NewServer(http.HandlerFunc(h.give))
	t.Cleanup(h.store.Close)
	h.Server = httptest.NewServer(http.HandlerFunc(h.answer))
	t.Cleanup(h.Close)
	return h
}

// answer is the hub.
func (h *hubOf) answer(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "Bearer "+secret {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	name := filepath.Base(r.URL.Path)
	switch info, err := os.Stat(filepath.Join(h.dir, name)); {
	case err != nil:
		http.NotFound(w, r)
	case strings.HasPrefix(r.URL.Path, "/api/resolve-cache/"):
		w.Header().Set("ETag", `"small"`)
		http.ServeFile(w, r, filepath.Join(h.dir, name))
	case !strings.HasSuffix(name, ".safetensors"):
		http.Redirect(w, r, "/api/resolve-cache/models/o/m/"+name, http.StatusTemporaryRedirect)
	default:
		h.mu.Lock()
		h.signed++
		n := h.signed
		h.mu.Unlock()
		w.Header().Set("X-Linked-Etag", `"the-file"`)
		w.Header().Set("X-Linked-Size", fmt.Sprint(info.Size()))
		w.Header().Set("ETag", `"of-the-redirect"`)
		w.Header().Set("Location", fmt.Sprintf("%s/blob/%s?Expires=1&Signature=%s%d", h.store.URL, name, secret, n))
		w.WriteHeader(http.StatusFound)
	}
}

// give is the store.
func (h *hubOf) give(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	n := h.signed
	over := h.runOut > 0
	if over {
		h.runOut--
	}
	if a := r.Header.Get("Authorization"); a != "" {
		h.leaks = append(h.leaks, a)
	}
	h.mu.Unlock()
	if over || !strings.HasPrefix(r.URL.Query().Get("Signature"), secret) {
		w.WriteHeader(http.StatusForbidden)
		return
	}
	w.Header().Set("ETag", fmt.Sprintf(`"edge-%d"`, n%3)) // each server of the store has its own
	http.ServeFile(w, r, filepath.Join(h.dir, filepath.Base(r.URL.Path)))
}

// TestAHubThatRedirectsToSignedURLs: no token reaches the store, no line shows a signature,
// and a URL that has run out is asked for again.
func TestAHubThatRedirectsToSignedURLs(t *testing.T) {
	dir := modelDir(t, true)
	want, digest := local(t, dir)
	h := startHub(t, dir)
	h.runOut = 3
	var log logtest.Log
	cache, err := OpenCache(t.TempDir(), 0, log.Logger())
	if err != nil {
		t.Fatal(err)
	}
	store := strings.TrimPrefix(h.store.URL, "http://")
	m := at(t, h.URL+"/o/m/resolve/main", cache, WebConfig{Token: secret, RedirectHosts: []string{store}})
	c := open(t, m)
	got, err := loadAll(t.Context(), c)
	if err != nil || !same(got, want) || c.Digest() != digest {
		t.Fatalf("other bytes: %v", err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.leaks) > 0 || h.signed == 0 || h.runOut > 0 {
		t.Errorf("the store got %q; %d URLs, %d would still run out", h.leaks, h.signed, h.runOut)
	}
	if log.Count(secret) > 0 {
		t.Errorf("a line shows a secret: %s", log.String())
	}
}

// TestAStoreThatAlwaysRefusesIsNamedWithoutItsURL.
func TestAStoreThatAlwaysRefusesIsNamedWithoutItsURL(t *testing.T) {
	h := startHub(t, modelDir(t, true))
	h.runOut = 1 << 30
	store := strings.TrimPrefix(h.store.URL, "http://")
	m := at(t, h.URL+"/o/m/resolve/main", cacheIn(t, t.TempDir(), 0), WebConfig{Token: secret, RedirectHosts: []string{store}})
	_, err := m.Size(t.Context(), "model.safetensors")
	if KindOf(err) != Unavailable || !strings.Contains(err.Error(), "403") || strings.Contains(err.Error(), secret) {
		t.Errorf("%v", err)
	}
}

// TestAFileThatHasShrunkHasChanged: a server answers 416 and the new size.
func TestAFileThatHasShrunkHasChanged(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	o := serve(t, dir, nil)
	m := at(t, o.URL, cacheIn(t, t.TempDir(), 0), WebConfig{})
	if _, err := m.Size(t.Context(), "f"); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, 5); err != nil {
		t.Fatal(err)
	}
	if err := m.ReadAt(t.Context(), "f", make([]byte, 5), 20); KindOf(err) != Changed {
		t.Errorf("%v of a file that has shrunk", err)
	}
}
