package checkpoint_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hachi-serve/hachi/internal/weights/checkpoint"
	"github.com/hachi-serve/hachi/internal/weights/preset"
	"github.com/hachi-serve/hachi/moe"
)

func TestVerifyMakesAManifest(t *testing.T) {
	dir := write(t, preset.Options{Config: shape, Seed: 1, ShardBytes: 30000})
	c := open(t, dir)
	if err := c.VerifyExpert(t.Context(), moe.ExpertID{}); !errors.Is(err, checkpoint.ErrNoManifest) || c.Manifest() != nil {
		t.Errorf("error %v before there is a manifest", err)
	}
	var last, total int64
	m, err := c.Verify(t.Context(), func(done, all int64) { last, total = done, all })
	if err != nil {
		t.Fatal(err)
	}
	if total != c.Summary().Bytes || last != total {
		t.Errorf("progress %d of %d, the tensors are %d bytes", last, total, c.Summary().Bytes)
	}
	want := contents(t, dir)
	for name, data := range want {
		if sum := sha256.Sum256(data); m.Tensors[name] != hex.EncodeToString(sum[:]) {
			t.Errorf("%s has hash %s", name, m.Tensors[name])
		}
	}
	again := open(t, dir)
	if again.Manifest() == nil || len(again.Manifest().Tensors) != len(want) || !again.Summary().Manifest {
		t.Fatalf("the manifest is not found again: notes %v", again.Notes())
	}
	for l := range shape.Layers {
		for e := range shape.Experts {
			if err := again.VerifyExpert(t.Context(), moe.ExpertID{Layer: l, Expert: e}); err != nil {
				t.Error(err)
			}
		}
	}
	if err := again.VerifyDense(t.Context()); err != nil {
		t.Error(err)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if err := errors.Join(again.VerifyDense(ended), again.VerifyExpert(ended, moe.ExpertID{})); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want one that the context has ended", err)
	}
}

// Full hashes find damage that leaves size, time and header as they were.
func TestManifestFindsDamage(t *testing.T) {
	dir := write(t, preset.Options{Config: shape, Seed: 1})
	path := filepath.Join(dir, "model.safetensors")
	if _, err := open(t, dir).Verify(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	start := len(raw) - len(takeApart(t, path).data)
	x := takeApart(t, path).tensors["model.layers.1.block_sparse_moe.experts.2.w2.weight"]
	raw[int64(start)+x.Offsets[1]-1] ^= 0x10
	c := open(t, dir)
	save(t, path, raw)
	if err := os.Chtimes(path, time.Time{}, before.ModTime()); err != nil {
		t.Fatal(err)
	}
	if err := c.VerifyExpert(t.Context(), moe.ExpertID{Layer: 1, Expert: 2}); checkpoint.FaultOf(err) != checkpoint.Damaged ||
		!strings.Contains(err.Error(), anExpert) {
		t.Errorf("error %v, want damage in %s", err, anExpert)
	}
	if err := c.VerifyExpert(t.Context(), moe.ExpertID{Layer: 1, Expert: 1}); err != nil {
		t.Errorf("a sound expert is refused: %v", err)
	}
	if _, err := c.Verify(t.Context(), nil); checkpoint.FaultOf(err) != checkpoint.Damaged {
		t.Errorf("error %v, want damage", err)
	}
}

func TestStaleManifestsAreNotUsed(t *testing.T) {
	spoil := map[string]func(path, manifest string){
		"touched":    func(path, _ string) { os.Chtimes(path, time.Time{}, time.Unix(1e9, 0)) },
		"not JSON":   func(_, manifest string) { os.WriteFile(manifest, []byte("{"), 0o644) },
		"other kind": func(_, manifest string) { os.WriteFile(manifest, []byte("{}"), 0o644) },
	}
	for name, f := range spoil {
		dir := write(t, preset.Options{Config: shape, Seed: 1})
		if _, err := open(t, dir).Verify(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		f(filepath.Join(dir, "model.safetensors"), filepath.Join(dir, checkpoint.ManifestFile))
		c := open(t, dir)
		if c.Manifest() != nil || len(c.Notes()) != 1 {
			t.Errorf("%s: used, notes %q", name, c.Notes())
		}
		if _, err := c.Verify(t.Context(), nil); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := open(t, dir).VerifyDense(t.Context()); err != nil {
			t.Errorf("%s: after a new Verify: %v", name, err)
		}
	}
}

func TestManifestGoesToTheCacheWhenTheDirectoryRefuses(t *testing.T) {
	cache := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", cache)
	t.Setenv("HOME", cache)
	dir := write(t, preset.Options{Config: shape, Seed: 1})
	// A directory in the manifest's place refuses even the superuser.
	if err := os.MkdirAll(filepath.Join(dir, checkpoint.ManifestFile, "x"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := open(t, dir).Verify(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if open(t, dir).Manifest() == nil {
		t.Error("the manifest in the cache is not found")
	}
}

func TestVerifyStops(t *testing.T) {
	c := open(t, write(t, preset.Options{Config: shape, Seed: 1}))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Verify(ctx, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want canceled", err)
	}
}

func TestSummary(t *testing.T) {
	c := open(t, write(t, preset.Options{Config: shape, Seed: 1}))
	s := c.Summary()
	const expert = 3 * 32 * 48
	dense := 2*64*32 + 32 + 2*(2*32+2*32*32+2*16*32+4*32)
	if s.Parameters != int64(dense+8*expert) || s.Active != int64(dense+4*expert) || s.ExpertBytes != 2*expert || s.DenseBytes != int64(2*dense) ||
		s.Bytes != 2*s.Parameters || s.Tensors != 3+2*7+8*3 || s.Digest != c.Digest() {
		t.Errorf("got %+v, dense %d, expert %d", s, dense, expert)
	}
	text := s.String()
	for _, want := range []string{s.Digest, "4 per layer, 2 per token", "model.safetensors", "use_cache", "sliding window none",
		"MixtralForCausalLM", "experts bf16, attention and head bf16"} {
		if !strings.Contains(text, want) {
			t.Errorf("summary does not say %q:\n%s", want, text)
		}
	}
}
