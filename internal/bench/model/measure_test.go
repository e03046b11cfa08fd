package model

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/internal/backend/cpu"
	"github.com/hachi-serve/hachi/internal/bench/kernel"
	"github.com/hachi-serve/hachi/internal/weights/preset"
)

func TestMeasureReportsEveryKindOfStep(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "tiny")
	if err := preset.Write(dir, "tiny", 1, nil); err != nil {
		t.Fatal(err)
	}
	pool := cpu.NewPool(cpu.PoolOptions{Threads: 2})
	defer pool.Close()
	r, err := Measure(t.Context(), Options{Dir: dir, Pool: pool, Prefill: []int{33}, Decode: []int{1, 5}, Context: 17, Rounds: 2, Memory: 1 << 21, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Results) != 3 || r.Results[0].Kind != "prefill" || r.Results[2].Rows != 5 {
		t.Fatalf("results %+v", r.Results)
	}
	for _, k := range r.Results {
		if k.TokensPerS <= 0 || k.GBPerS <= 0 || k.GopPerS <= 0 {
			t.Errorf("%s of %d: %+v", k.Kind, k.Rows, k)
		}
	}
	// One decoded token reads two of eight experts in each of four layers.
	one := r.Results[1]
	experts := 4.0 * 2 * 3 * 64 * 128
	attention := 4.0 * 64 * (2*64 + 2*32 + 8)
	head := 64.0 * 32000
	if got, want := one.GBPerS*1e9/one.TokensPerS, 4*(experts+attention+head); got/want < 0.5 || got/want > 2 {
		t.Errorf("a token reads %.0f bytes, want about %.0f", got, want)
	}
	var text bytes.Buffer
	if r.WriteText(&text); !strings.Contains(text.String(), "prefill") {
		t.Errorf("text %q", text.String())
	}
}

func TestMeasureNeedsAModel(t *testing.T) {
	pool := cpu.NewPool(cpu.PoolOptions{Threads: 1})
	defer pool.Close()
	if _, err := Measure(t.Context(), Options{Dir: t.TempDir(), Pool: pool, Memory: 1 << 20}); err == nil {
		t.Error("an empty directory was measured")
	}
}

func TestRooflineReportsLimits(t *testing.T) {
	pool := cpu.NewPool(cpu.PoolOptions{Threads: 2})
	defer pool.Close()
	r, err := kernel.Measure(t.Context(), kernel.Options{Pool: pool, Memory: 1 << 22, Rounds: 1})
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range r.Kernels {
		if k.Rate <= 0 {
			t.Errorf("%s: %+v", k.Name, k)
		}
	}
	var text bytes.Buffer
	if r.WriteText(&text); !strings.Contains(text.String(), "bf16") {
		t.Errorf("text %q", text.String())
	}
}
