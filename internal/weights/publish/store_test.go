package publish_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/internal/eventually"
	"github.com/hachi-serve/hachi/internal/freeport"
	"github.com/hachi-serve/hachi/internal/weights/checkpoint"
	"github.com/hachi-serve/hachi/internal/weights/preset"
	"github.com/hachi-serve/hachi/internal/weights/publish"
	"github.com/hachi-serve/hachi/internal/weights/source"
	"github.com/hachi-serve/hachi/internal/weights/source/s3"
	"github.com/hachi-serve/hachi/internal/weights/source/s3/s3test"
)

const (
	// serverBinary names tools/s3server, as `make s3` builds it.
	serverBinary = "HACHI_S3_SERVER"

	childEndpoint = "HACHI_TEST_S3_ENDPOINT"
	childCache    = "HACHI_TEST_S3_CACHE"
	storeAccess   = "AKEXAMPLE"
	storeSecret   = "s3cr3t/key+1"
)

// stores are the object stores that run here: a double in this process, and if there is
// one, a server of another project on a directory.
func stores(t *testing.T) map[string]http.Handler {
	t.Helper()
	all := map[string]http.Handler{"a double": &s3test.Server{Access: storeAccess, Secret: storeSecret}}
	binary := os.Getenv(serverBinary)
	if binary == "" {
		t.Logf("no other store: %s names none, `make s3` does", serverBinary)
		return all
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "models"), 0o700); err != nil {
		t.Fatal(err)
	}
	addr := freeport.Address(t)
	cmd := exec.Command(binary, "serve", "s3", dir, "--addr", addr, "--auth-key", storeAccess+","+storeSecret, "--config", os.DevNull)
	cmd.Stderr = t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended
		_ = cmd.Wait()
	})
	eventually.True(t, "the store listens", func() bool {
		c, err := net.Dial("tcp", addr)
		return err == nil && c.Close() == nil
	})
	all["a server"] = &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(&url.URL{Scheme: "http", Host: addr})
		r.Out.Host = r.In.Host // which is signed
	}, Transport: &http.Transport{DisableKeepAlives: true}}
	return all
}

// storeAt is the model at an endpoint.
func storeAt(endpoint, credentials string) (*s3.Store, error) {
	l, err := source.Parse("s3://models/m")
	if err != nil {
		return nil, err
	}
	return s3.New(l, s3.Config{Endpoint: endpoint, Credentials: credentials})
}

// fetchAll loads every expert, with keys of the environment.
func fetchAll(ctx context.Context, endpoint, dir string) (experts [][]byte, fetched int64, err error) {
	store, err := storeAt(endpoint, "")
	if err != nil {
		return nil, 0, err
	}
	cache, err := source.OpenCache(dir, 0, slog.New(slog.NewTextHandler(os.Stderr, nil)))
	if err != nil {
		return nil, 0, err
	}
	m := source.NewModel(store, cache)
	c, err := checkpoint.OpenRemote(ctx, m)
	if err != nil {
		return nil, 0, err
	}
	defer c.Close()
	before := m.Fetched()
	for _, id := range c.Config().Topology().All() {
		e, err := c.LoadExpert(ctx, id)
		if err != nil {
			return nil, 0, err
		}
		experts = append(experts, bytes.Join([][]byte{e.Weights.W1.Data, e.Weights.W2.Data, e.Weights.W3.Data}, nil))
		if err := e.Close(); err != nil {
			return nil, 0, err
		}
	}
	return experts, m.Fetched() - before, nil
}

// child is a process that fetches every expert.
func child(endpoint string) int {
	if _, _, err := fetchAll(context.Background(), endpoint, os.Getenv(childCache)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// tensorsOf are the tensors of the experts that a model was pushed with, by name.
func tensorsOf(t *testing.T, dir string) (all map[string]extent, sums map[string]string, digest string, want [][]byte) {
	t.Helper()
	c, err := checkpoint.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	parts, err := c.Parts()
	if err != nil {
		t.Fatal(err)
	}
	all = map[string]extent{}
	for _, p := range parts {
		if !strings.HasPrefix(p.Name, "expert-") {
			continue
		}
		raw, err := io.ReadAll(p.Reader())
		if err != nil {
			t.Fatal(err)
		}
		start := int64(binary.LittleEndian.Uint64(raw)) + 8
		want = append(want, raw[start:])
		var header map[string]struct {
			Offsets [2]int64 `json:"data_offsets"`
		}
		if err := json.Unmarshal(raw[8:start], &header); err != nil {
			t.Fatal(err)
		}
		delete(header, "__metadata__")
		for name, h := range header {
			all[name] = extent{p.Name, start + h.Offsets[0], start + h.Offsets[1]}
		}
	}
	return all, c.Manifest().Tensors, c.Digest(), want
}

// TestAModelInAStore: pushed, skipped by a second push, and fetched by processes, of which 20
// are killed in the middle. Nothing that was complete is fetched again.
func TestAModelInAStore(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	dir, larger := filepath.Join(t.TempDir(), "model"), shape
	larger.Hidden, larger.HeadDim, larger.FFN = 64, 16, 448
	if err := preset.WriteModel(t.Context(), dir, preset.Options{Config: larger, Seed: 3}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_REGION", "http_proxy"} {
		t.Setenv(name, "")
	}
	t.Setenv("AWS_ACCESS_KEY_ID", storeAccess)
	t.Setenv("AWS_SECRET_ACCESS_KEY", storeSecret)
	for name, store := range stores(t) {
		t.Run(name, func(t *testing.T) { killAtStore(t, dir, store) })
	}
}

func killAtStore(t *testing.T, dir string, store http.Handler) {
	v := &valve{store: store}
	v.open(1 << 40)
	web := httptest.NewServer(v)
	defer web.Close()
	to, err := storeAt(web.URL, "")
	if err != nil {
		t.Fatal(err)
	}
	defer to.Close()
	for range 2 {
		if err := publish.Push(t.Context(), dir, to, nil); err != nil {
			t.Fatal(err)
		}
	}
	tensors, sums, digest, want := tensorsOf(t, dir)
	if v.puts > len(want)+20 {
		t.Errorf("%d objects were written twice", v.puts)
	}
	cache, size := t.TempDir(), 0
	for _, e := range want {
		size += len(e)
	}
	complete := map[string]extent{}
	check := func(kill int) {
		for _, a := range v.took() {
			for name, e := range complete {
				if a.object == e.object && a.at < e.end && e.at < a.end {
					t.Errorf("process %d asked for bytes %d to %d of %s, and %s was complete", kill, a.at, a.end, a.object, name)
				}
			}
		}
		kept, err := source.OpenCache(cache, 0, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		m := source.NewModel(to, kept)
		for name, e := range tensors {
			if m.Kept(checkpoint.RemoteTensor{Key: digest + "/" + name, Sum: sums[name]}, make([]byte, e.end-e.at), 0) {
				complete[name] = e
			}
		}
	}
	const kills = 20
	rng := rand.New(rand.NewPCG(5, 6))
	for i := range kills {
		shut := v.open(size/(kills+2)/2 + rng.IntN(size/(kills+2)))
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), childEndpoint+"="+web.URL, childCache+"="+cache)
		cmd.Stderr = t.Output()
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		select {
		case <-shut:
		case err := <-ended:
			t.Fatalf("process %d ended before it was killed: %v", i, err)
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		<-ended
		check(i)
	}
	if n := len(complete); n == 0 || n == len(tensors) {
		t.Errorf("%d of %d tensors were complete before the last process", n, len(tensors))
	}
	v.open(1 << 40)
	for i := range 2 {
		got, fetched, err := fetchAll(t.Context(), web.URL, cache)
		if err != nil || len(got) != len(want) {
			t.Fatalf("%d experts: %v", len(got), err)
		}
		for j := range want {
			if !bytes.Equal(got[j], want[j]) {
				t.Errorf("expert %d has other bytes", j)
			}
		}
		if (fetched == 0) != (i == 1) {
			t.Errorf("%d bytes fetched, time %d", fetched, i)
		}
		check(kills + i)
	}
}
