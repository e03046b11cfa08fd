package publish_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/internal/weights/checkpoint"
	"github.com/hachi-serve/hachi/internal/weights/preset"
	"github.com/hachi-serve/hachi/internal/weights/publish"
	"github.com/hachi-serve/hachi/internal/weights/source"
	"github.com/hachi-serve/hachi/internal/weights/source/oci"
	"github.com/hachi-serve/hachi/internal/weights/source/s3"
	"github.com/hachi-serve/hachi/internal/weights/source/s3/s3test"
	"github.com/hachi-serve/hachi/moe"
)

func TestMain(m *testing.M) {
	if endpoint := os.Getenv(childEndpoint); endpoint != "" {
		os.Exit(child(endpoint))
	}
	goleak.VerifyTestMain(m)
}

var shape = model.Config{
	Layers: 2, Hidden: 32, FFN: 48, Heads: 4, KVHeads: 2, HeadDim: 8, Vocab: 64, Experts: 4, TopK: 2,
	RopeTheta: 1e4, NormEps: 1e-5, MaxContext: 128, DType: tensor.BF16, BOS: 1, EOS: []int{2},
}

func modelDir(t *testing.T) string {
	t.Helper()
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	dir := filepath.Join(t.TempDir(), "model")
	if err := preset.WriteModel(t.Context(), dir, preset.Options{Config: shape, Seed: 3}); err != nil {
		t.Fatal(err)
	}
	return dir
}

// place is somewhere to push to and to pull from.
type place struct {
	target func() publish.Target
	files  func() source.Files
	put    func() int // files that were written
}

func parse(t *testing.T, text string) source.Location {
	t.Helper()
	l, err := source.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func bucket(t *testing.T) place {
	t.Setenv("AWS_ACCESS_KEY_ID", "a")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "s")
	store := &s3test.Server{Access: "a", Secret: "s"}
	server := httptest.NewServer(store)
	transport := source.NewTransport()
	t.Cleanup(func() { transport.CloseIdleConnections(); server.Close() })
	s, err := s3.New(parse(t, "s3://models/m"), s3.Config{Endpoint: server.URL, Transport: transport})
	if err != nil {
		t.Fatal(err)
	}
	return place{func() publish.Target { return s }, func() source.Files { return s }, store.Puts}
}

func layout(t *testing.T) place {
	at := parse(t, "oci:"+filepath.Join(t.TempDir(), "layout")+":v1")
	return place{
		func() publish.Target {
			l, err := oci.Create(t.Context(), at)
			if err != nil {
				t.Fatal(err)
			}
			return l
		},
		func() source.Files {
			at.Tag = "" // the only one
			l, err := oci.Open(t.Context(), at)
			if err != nil {
				t.Fatal(err)
			}
			return l
		},
		func() int {
			blobs, err := os.ReadDir(filepath.Join(at.Path, "blobs", "sha256"))
			if err != nil && !errors.Is(err, os.ErrNotExist) {
				t.Fatal(err)
			}
			return len(blobs)
		},
	}
}

func places(t *testing.T, check func(t *testing.T, p place)) {
	for name, of := range map[string]func(*testing.T) place{"S3": bucket, "OCI": layout} {
		t.Run(name, func(t *testing.T) { check(t, of(t)) })
	}
}

func at(t *testing.T, p place) *source.Model {
	t.Helper()
	c, err := source.OpenCache(t.TempDir(), 0, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return source.NewModel(p.files(), c)
}

// experts are the bytes of all experts.
func experts(t *testing.T, c *checkpoint.Checkpoint) (all []byte) {
	t.Helper()
	for _, id := range c.Config().Topology().All() {
		m, err := c.LoadExpert(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		all = bytes.Join([][]byte{all, m.Weights.W1.Data, m.Weights.W2.Data, m.Weights.W3.Data}, nil)
		if err := m.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func open(t *testing.T, dir string) *checkpoint.Checkpoint {
	t.Helper()
	c, err := checkpoint.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func TestAModelComesBackAsItWasPushed(t *testing.T) {
	places(t, func(t *testing.T, p place) {
		dir, back := modelDir(t), filepath.Join(t.TempDir(), "back")
		if err := publish.Push(t.Context(), dir, p.target(), nil); err != nil {
			t.Fatal(err)
		}
		original := open(t, dir)
		m := at(t, p)
		there, err := checkpoint.OpenRemote(t.Context(), m)
		if err != nil {
			t.Fatal(err)
		}
		if there.Digest() != original.Digest() || there.Manifest() == nil || len(there.FileNames()) != 2*4+2+1 {
			t.Errorf("digest %s, want %s; files %v", there.Digest(), original.Digest(), there.FileNames())
		}
		before := m.Fetched()
		e, err := there.LoadExpert(t.Context(), moe.ExpertID{Layer: 1, Expert: 3})
		if err != nil {
			t.Fatal(err)
		}
		if got := m.Fetched() - before; got != there.ExpertBytes() {
			t.Errorf("fetched %d bytes for an expert of %d", got, there.ExpertBytes())
		}
		want := experts(t, original)
		if err := e.Close(); err != nil || !bytes.Equal(experts(t, there), want) {
			t.Errorf("other experts: %v", err)
		}
		if err := publish.Pull(t.Context(), m, back, nil); err != nil {
			t.Fatal(err)
		}
		copied := open(t, back)
		if copied.Digest() != original.Digest() || copied.Manifest() == nil || !bytes.Equal(experts(t, copied), want) {
			t.Errorf("the copy has the digest %s and notes %v", copied.Digest(), copied.Notes())
		}
		for _, name := range []string{"tokenizer.model", "tokenizer_config.json", "config.json"} {
			a, errA := os.ReadFile(filepath.Join(dir, name))
			b, errB := os.ReadFile(filepath.Join(back, name))
			if errors.Is(errA, os.ErrNotExist) != errors.Is(errB, os.ErrNotExist) || !bytes.Equal(a, b) {
				t.Errorf("%s: %v, %v, or other bytes", name, errA, errB)
			}
		}
	})
}

// cutTarget fails after some files.
type cutTarget struct {
	publish.Target
	left int
}

var errCut = errors.New("cut")

func (c *cutTarget) Put(ctx context.Context, name, sum string, size int64, from io.Reader) error {
	if c.left--; c.left < 0 {
		return errCut
	}
	return c.Target.Put(ctx, name, sum, size, from)
}

func TestAPushThatWasCutIsContinued(t *testing.T) {
	places(t, func(t *testing.T, p place) {
		dir := modelDir(t)
		if err := publish.Push(t.Context(), dir, &cutTarget{p.target(), 5}, nil); !errors.Is(err, errCut) {
			t.Fatal(err)
		}
		if p.put() != 5 {
			t.Errorf("%d files were written before the cut", p.put())
		}
		skipped := 0
		err := publish.Push(t.Context(), dir, p.target(), func(_ string, had bool, _, _ int64) {
			if had {
				skipped++
			}
		})
		if err != nil || skipped != 5 {
			t.Errorf("%d files were skipped, want 5: %v", skipped, err)
		}
		if _, err := checkpoint.OpenRemote(t.Context(), at(t, p)); err != nil {
			t.Error(err)
		}
	})
}

func TestAPullThatWasCutIsContinuedAndDamageIsFound(t *testing.T) {
	p, dir := bucket(t), modelDir(t)
	if err := publish.Push(t.Context(), dir, p.target(), nil); err != nil {
		t.Fatal(err)
	}
	back := filepath.Join(t.TempDir(), "back")
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	err := publish.Pull(ctx, at(t, p), back, func(string, bool, int64, int64) {
		if n++; n == 4 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if _, err := checkpoint.Open(back); err == nil {
		t.Error("a copy that was cut is a model")
	}
	files, err := filepath.Glob(filepath.Join(back, "expert-*.safetensors"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	raw, err := os.ReadFile(files[0])
	if err == nil {
		raw[len(raw)-1] ^= 1
		err = os.WriteFile(files[0], raw, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := publish.Pull(t.Context(), at(t, p), back, nil); err == nil || !strings.Contains(err.Error(), "expected sha256") {
		t.Errorf("%v of a copy with a bit that changed", err)
	}
	skipped := 0
	count := func(_ string, had bool, _, _ int64) {
		if had {
			skipped++
		}
	}
	if err := publish.Pull(t.Context(), at(t, p), back, count); err != nil || skipped > 0 {
		t.Errorf("%d files of a damaged copy were kept: %v", skipped, err)
	}
}

func TestTheSameModelMakesTheSameArtifact(t *testing.T) {
	dir := modelDir(t)
	var indexes [][]byte
	for range 2 {
		at := parse(t, "oci:"+filepath.Join(t.TempDir(), "layout"))
		l, err := oci.Create(t.Context(), at)
		if err == nil {
			err = publish.Push(t.Context(), dir, l, nil)
		}
		if err != nil {
			t.Fatal(err)
		}
		raw, err := os.ReadFile(filepath.Join(at.Path, "index.json"))
		if err != nil {
			t.Fatal(err)
		}
		indexes = append(indexes, raw)
	}
	if !bytes.Equal(indexes[0], indexes[1]) {
		t.Errorf("%s\n%s", indexes[0], indexes[1])
	}
}

func TestADamagedLayoutIsAnError(t *testing.T) {
	p, dir := layout(t), modelDir(t)
	if err := publish.Push(t.Context(), dir, p.target(), nil); err != nil {
		t.Fatal(err)
	}
	files := p.files().(*oci.Layout)
	blobs, err := filepath.Glob(filepath.Join(strings.TrimPrefix(files.String(), "oci:"), "blobs", "sha256", "*"))
	if err != nil || len(blobs) == 0 {
		t.Fatal(blobs, err)
	}
	for _, path := range blobs {
		raw, err := os.ReadFile(path)
		if err == nil && !bytes.Contains(raw, []byte("application/vnd.oci.image.manifest")) {
			raw[len(raw)/2] ^= 1
			err = errors.Join(os.Remove(path), os.WriteFile(path, raw, 0o600))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"config.json", "model.safetensors.index.json", "expert-000-000.safetensors"} {
		info, err := files.Stat(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		body, err := files.Open(t.Context(), name, info, 0, info.Size)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(body); source.KindOf(err) != source.Damaged {
			t.Errorf("%s: %v", name, err)
		}
		body.Close()
	}
	for _, path := range blobs {
		if err := os.Truncate(path, 1); err != nil {
			t.Fatal(err)
		}
	}
	_, err = files.Stat(t.Context(), "config.json")
	if source.KindOf(err) != source.Damaged || !strings.HasSuffix(err.Error(), ": found 1 bytes") {
		t.Errorf("a blob that was cut: %v", err)
	}
}
