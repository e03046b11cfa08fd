package source

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/internal/weights/checkpoint"
	"github.com/hachi-serve/hachi/internal/weights/preset"
)

// shape is a model of about 3 MB.
var shape = model.Config{
	Layers: 2, Hidden: 64, FFN: 448, Heads: 4, KVHeads: 2, HeadDim: 16, Vocab: 64, Experts: 4, TopK: 2,
	RopeTheta: 1e4, NormEps: 1e-5, MaxContext: 128, DType: tensor.F32, BOS: 1, EOS: []int{2},
}

// modelDir writes the model, with a manifest if wanted, and keeps the user's cache away.
func modelDir(t testing.TB, manifest bool) string {
	t.Helper()
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	dir := filepath.Join(t.TempDir(), "model")
	if err := preset.WriteModel(t.Context(), dir, preset.Options{Config: shape, Seed: 7}); err != nil {
		t.Fatal(err)
	}
	if manifest {
		c, err := checkpoint.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := c.Verify(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// asked is a request that a server has answered.
type asked struct {
	name     string
	at, end  int64 // of the range; the whole file when end is 0
	from     string
	token    string
	encoding string
}

// origin serves a directory as static file servers do: ranges and an ETag. fault, which may
// be nil, answers instead and reports that it has.
type origin struct {
	*httptest.Server
	dir   string
	fault func(o *origin, w http.ResponseWriter, r *http.Request, a asked) bool

	mu       sync.Mutex // guards the field below
	requests []asked
}

func serve(t testing.TB, dir string, fault func(*origin, http.ResponseWriter, *http.Request, asked) bool) *origin {
	o := &origin{dir: dir, fault: fault}
	o.Server = httptest.NewServer(o)
	t.Cleanup(o.Close)
	return o
}

func (o *origin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a := asked{name: filepath.Base(r.URL.Path), from: r.Host, token: r.Header.Get("Authorization"), encoding: r.Header.Get("Accept-Encoding")}
	if n, _ := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-%d", &a.at, &a.end); n == 2 {
		a.end++
	}
	o.mu.Lock()
	o.requests = append(o.requests, a)
	o.mu.Unlock()
	if o.fault == nil || !o.fault(o, w, r, a) {
		o.answer(w, r, a)
	}
}

// answer is the right one.
func (o *origin) answer(w http.ResponseWriter, r *http.Request, a asked) {
	f, err := os.Open(filepath.Join(o.dir, a.name))
	if err != nil {
		http.NotFound(w, r)
		return
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("ETag", fmt.Sprintf(`"%x-%x"`, info.ModTime().UnixNano(), info.Size()))
	http.ServeContent(w, r, a.name, time.Time{}, f)
}

// took returns the requests for weights since the last call.
func (o *origin) took() (weights []asked) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, a := range o.requests {
		if strings.HasSuffix(a.name, ".safetensors") && a.end-a.at > 8 {
			weights = append(weights, a)
		}
	}
	o.requests = nil
	return weights
}

// cacheIn opens a cache, which logs to the test.
func cacheIn(t testing.TB, dir string, budget int64) *Cache {
	t.Helper()
	c, err := OpenCache(dir, budget, slog.New(slog.NewTextHandler(t.Output(), nil)))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// at is the model at a URL.
func at(t testing.TB, url string, c *Cache, w WebConfig) *Model {
	t.Helper()
	l, err := Parse(url)
	if err != nil {
		t.Fatal(err)
	}
	files, err := NewWeb(l, w)
	if err != nil {
		t.Fatal(err)
	}
	m := NewModel(files, c)
	m.reader.wait = time.Millisecond
	return m
}

// open opens the checkpoint of a model.
func open(t testing.TB, m *Model) *checkpoint.Checkpoint {
	t.Helper()
	c, err := checkpoint.OpenRemote(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// loadAll makes every tensor of a checkpoint resident and returns the bytes, in order.
func loadAll(ctx context.Context, c *checkpoint.Checkpoint) (all [][]byte, err error) {
	add := func(weights ...tensor.Weight) {
		for _, w := range weights {
			all = append(all, append([]byte{}, w.Data...))
		}
	}
	dense, err := c.LoadDense(ctx)
	if err != nil {
		return nil, err
	}
	defer dense.Close()
	add(dense.Weights.Embed, dense.Weights.Norm, dense.Weights.Head)
	for _, l := range dense.Weights.Layers {
		add(l.InputNorm, l.Q, l.K, l.V, l.O, l.PostNorm, l.Gate)
	}
	for _, id := range c.Config().Topology().All() {
		e, err := c.LoadExpert(ctx, id)
		if err != nil {
			return nil, err
		}
		add(e.Weights.W1, e.Weights.W2, e.Weights.W3)
		if err := e.Close(); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// local loads every tensor from the directory.
func local(t testing.TB, dir string) (all [][]byte, digest string) {
	t.Helper()
	c, err := checkpoint.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	all, err = loadAll(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return all, c.Digest()
}

// tensors are the ranges of the tensors of the only weights file, by name.
func tensors(t testing.TB, dir string) map[string][2]int64 {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, "model.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	n := int64(binary.LittleEndian.Uint64(raw))
	var header map[string]struct {
		Offsets [2]int64 `json:"data_offsets"`
	}
	if err := json.Unmarshal(raw[8:8+n], &header); err != nil {
		t.Fatal(err)
	}
	out := map[string][2]int64{}
	for name, h := range header {
		if name != "__metadata__" {
			out[name] = [2]int64{8 + n + h.Offsets[0], 8 + n + h.Offsets[1]}
		}
	}
	return out
}
