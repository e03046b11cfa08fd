package preset

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/internal/weights/checkpoint"
)

func target(t *testing.T) string { return filepath.Join(t.TempDir(), "deep", "model") }

// The weights of tiny are part of what hachi promises: measurements and
// answers of other machines are compared with them.
func TestTinyIsPinned(t *testing.T) {
	const (
		digest  = "bf52840f79a273c43c508469532579a39cfc10249aaf0da0727f6c45e2c573d0"
		content = "3930d0899749fa0fe6ab3f0b5e49a1a26640ef4f4714ac12a4e03464e111b5cf"
	)
	dir := target(t)
	if err := Write(dir, "tiny", 1, nil); err != nil {
		t.Fatal(err)
	}
	c, err := checkpoint.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if c.Digest() != digest {
		t.Errorf("digest %s, want %s", c.Digest(), digest)
	}
	raw, err := os.ReadFile(filepath.Join(dir, "model.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	if sum := sha256.Sum256(raw); hex.EncodeToString(sum[:]) != content {
		t.Errorf("content %x, want %s", sum, content)
	}
}

// A tokenizer is written where it fits, and nowhere else.
func TestTokenizerFiles(t *testing.T) {
	fits := All()[0].Config
	other := fits
	other.Vocab = 100
	for _, c := range []model.Config{fits, other} {
		dir := target(t)
		if err := WriteModel(t.Context(), dir, Options{Config: c, Seed: 1}); err != nil {
			t.Fatal(err)
		}
		spm, spmErr := os.ReadFile(filepath.Join(dir, "tokenizer.model"))
		raw, rawErr := os.ReadFile(filepath.Join(dir, "tokenizer_config.json"))
		if c.Vocab == 100 {
			if !errors.Is(spmErr, os.ErrNotExist) || !errors.Is(rawErr, os.ErrNotExist) {
				t.Error("a tokenizer of 32000 pieces is written for a vocabulary of 100")
			}
			continue
		}
		var config struct {
			Template string `json:"chat_template"`
			BOS      string `json:"bos_token"`
		}
		if err := errors.Join(spmErr, rawErr, json.Unmarshal(raw, &config)); err != nil {
			t.Fatal(err)
		}
		if len(spm) != 493443 || config.BOS != "<s>" || !strings.Contains(config.Template, "[/ATTR] [/INST]") {
			t.Errorf("tokenizer of %d bytes, config %+v", len(spm), config)
		}
	}
}

func TestConfigComesBack(t *testing.T) {
	odd := model.Config{
		Layers: 2, Hidden: 24, FFN: 20, Heads: 3, KVHeads: 3, HeadDim: 10, Vocab: 50, Experts: 5, TopK: 3, RopeTheta: 12345.5,
		NormEps: 1e-6, SlidingWindow: 7, TieEmbeddings: true, MaxContext: 99, DType: tensor.F16, BOS: -1, EOS: []int{3, 4},
	}
	endless := odd
	endless.EOS, endless.SlidingWindow, endless.BOS = nil, 0, 5
	for _, want := range []model.Config{odd, endless} {
		dir := target(t)
		if err := WriteModel(context.Background(), dir, Options{Config: want, Seed: 9, ShardBytes: 5000}); err != nil {
			t.Fatal(err)
		}
		c, err := checkpoint.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		got := c.Config()
		if !slices.Equal(got.EOS, want.EOS) {
			t.Errorf("eos %v, want %v", got.EOS, want.EOS)
		}
		got.EOS, want.EOS = nil, nil
		if len(c.Summary().Files) < 2 || len(c.Notes()) > 0 || !sameShape(got, want) {
			t.Errorf("got %+v in %d files, notes %v, want %+v", got, len(c.Summary().Files), c.Notes(), want)
		}
	}
}

func sameShape(a, b model.Config) bool {
	return a.Layers == b.Layers && a.Hidden == b.Hidden && a.FFN == b.FFN && a.Heads == b.Heads && a.KVHeads == b.KVHeads &&
		a.HeadDim == b.HeadDim && a.Vocab == b.Vocab && a.Experts == b.Experts && a.TopK == b.TopK && a.RopeTheta == b.RopeTheta &&
		a.NormEps == b.NormEps && a.SlidingWindow == b.SlidingWindow && a.TieEmbeddings == b.TieEmbeddings &&
		a.MaxContext == b.MaxContext && a.DType == b.DType && a.BOS == b.BOS
}

func TestPresetsAreComplete(t *testing.T) {
	if got := Names(); !slices.Equal(got, []string{"tiny", "small", "8x7b-slice"}) {
		t.Errorf("names %v", got)
	}
	for _, p := range All() {
		if err := p.Config.Validate(); err != nil || p.About == "" || p.Config.DType == tensor.Invalid {
			t.Errorf("%s: %+v, error %v", p.Name, p, err)
		}
		if p.Config.Heads*p.Config.HeadDim != p.Config.Hidden {
			t.Errorf("%s: heads are not as wide as rows", p.Name)
		}
	}
	slice, err := Describe("8x7b-slice")
	if err != nil || slice.Config.Hidden != 4096 || slice.Config.FFN != 14336 || slice.Config.RopeTheta != 1e6 {
		t.Errorf("8x7b-slice is %+v, error %v", slice, err)
	}
	shards := plan(Options{Config: slice.Config, ShardBytes: defaultShardBytes})
	var total int64
	for _, s := range shards {
		total += s.dataBytes
		if s.dataBytes > defaultShardBytes || len(s.header)%4096 != 0 {
			t.Errorf("%s has %d bytes behind a header of %d", s.name, s.dataBytes, len(s.header))
		}
	}
	if len(shards) != 4 || total != 6_329_376_768 {
		t.Errorf("%d shards of %d bytes", len(shards), total)
	}
}

func TestWriteRefuses(t *testing.T) {
	full := t.TempDir()
	if err := os.WriteFile(filepath.Join(full, "thesis.txt"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := Write(full, "tiny", 1, nil); err == nil || !strings.Contains(err.Error(), "thesis.txt") {
		t.Errorf("a directory in use: error %v", err)
	}
	if err := Write(filepath.Join(full, "thesis.txt"), "tiny", 1, nil); err == nil {
		t.Error("a file is taken for a directory")
	}
	if err := Write(target(t), "huge", 1, nil); err == nil || !strings.Contains(err.Error(), "tiny, small, 8x7b-slice") {
		t.Errorf("an unknown preset: error %v", err)
	}
	err := WriteModel(t.Context(), target(t), Options{ShardBytes: -1})
	for _, want := range []string{"layers is 0", "element type", "shards of -1"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("empty options: error %v, want %q", err, want)
		}
	}
}

func TestAnEmptyDirectoryIsFilled(t *testing.T) {
	dir := t.TempDir()
	if err := Write(dir, "tiny", 1, nil); err != nil {
		t.Fatal(err)
	}
	c, err := checkpoint.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	if hidden, err := filepath.Glob(filepath.Join(dir, ".*")); err != nil || len(hidden) > 0 {
		t.Errorf("left behind %v, error %v", hidden, err)
	}
}

func TestAnInterruptedWriteLeavesNothing(t *testing.T) {
	parent := t.TempDir()
	p, err := Describe("tiny")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var called atomic.Bool
	err = WriteModel(ctx, filepath.Join(parent, "model"), Options{Config: p.Config, Seed: 1, Progress: func(int64, int64) {
		called.Store(true)
		cancel()
	}})
	if !errors.Is(err, context.Canceled) || !called.Load() {
		t.Errorf("error %v, want canceled", err)
	}
	if left, err := os.ReadDir(parent); err != nil || len(left) > 0 {
		t.Errorf("left behind %v, error %v", left, err)
	}
}

func TestProgressReachesTheTotal(t *testing.T) {
	var last, total int64
	err := Write(target(t), "tiny", 1, func(done, all int64) {
		if done <= last {
			t.Errorf("%d bytes after %d", done, last)
		}
		last, total = done, all
	})
	if err != nil || last != total || total != 4*4_934_208 {
		t.Errorf("%d of %d, error %v", last, total, err)
	}
}

func TestWeightsAreSpreadAsPromised(t *testing.T) {
	cfg := All()[0].Config
	for _, s := range checkpoint.Layout(cfg) {
		mean, deviation := distribution(s, false)
		g := newGenerator(Options{Config: cfg, Seed: 7}, s)
		const n = 1 << 16
		var sum, squares float64
		for i := range uint64(n) {
			v := float64(g.value(i) - mean)
			sum, squares = sum+v, squares+v*v
		}
		if off, spread := sum/n/deviation, math.Sqrt(squares/n)/deviation; math.Abs(off) > 0.02 || math.Abs(spread-1) > 0.02 {
			t.Errorf("%s: mean off by %.4f deviations, spread %.4f of what it should be", s.Name, off, spread)
		}
	}
}

// Chunks may begin anywhere; the bytes are those of the whole.
func TestFillIsTheSameInPieces(t *testing.T) {
	for _, d := range []tensor.DType{tensor.F32, tensor.F16, tensor.BF16} {
		cfg := All()[0].Config
		cfg.DType = d
		g := newGenerator(Options{Config: cfg, Seed: 1}, checkpoint.Layout(cfg)[3])
		whole := make([]byte, 1000*d.Size())
		g.fill(whole, 0)
		piece := make([]byte, 300*d.Size())
		g.fill(piece, 700)
		if !slices.Equal(piece, whole[700*d.Size():]) {
			t.Errorf("%v: elements 700 to 1000 differ", d)
		}
	}
}
