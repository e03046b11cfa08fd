package model

import (
	"path/filepath"
	"testing"

	"github.com/hachi-serve/hachi/internal/backend/cpu"
	"github.com/hachi-serve/hachi/internal/compute/kernel"
	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/internal/weights/checkpoint"
	"github.com/hachi-serve/hachi/internal/weights/preset"
	"github.com/hachi-serve/hachi/internal/weights/quantize"
)

func TestCompareTellsHowFarAQuantizedModelIs(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "tiny")
	if err := preset.Write(dir, "tiny", 1, nil); err != nil {
		t.Fatal(err)
	}
	pool := cpu.NewPool(cpu.PoolOptions{Threads: 2})
	defer pool.Close()
	tokens := make([]int32, 40)
	for i := range tokens {
		tokens[i] = int32(i * 719 % 32000)
	}
	d, err := Compare(t.Context(), pool, Compared{Dir: dir}, Compared{Dir: dir}, tokens, 16)
	if err != nil || d.Mean != 0 || d.SameArgmax != 1 || d.Perplexity != d.ReferencePerplexity || d.Positions != 2*7 {
		t.Errorf("a model against itself: %+v, %v", d, err)
	}
	src, err := checkpoint.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	var divergences []float64
	for _, to := range []tensor.DType{tensor.Int8, tensor.Int4} {
		out := filepath.Join(t.TempDir(), to.String())
		side, err := quantize.SideFiles(dir)
		if err != nil {
			t.Fatal(err)
		}
		o := quantize.Options{To: to, Dense: true, Kernels: kernel.Best(), Threads: 1}
		if err := quantize.Directory(t.Context(), out, quantize.Checkpoint{Checkpoint: src}, side, o); err != nil {
			t.Fatal(err)
		}
		d, err := Compare(t.Context(), pool, Compared{Dir: dir}, Compared{Dir: out}, tokens, 20)
		if err != nil {
			t.Fatal(err)
		}
		divergences = append(divergences, d.Median)
	}
	if divergences[0] <= 0 || divergences[0] >= divergences[1] {
		t.Errorf("median divergence %.3g with 8 bits and %.3g with 4, expected something and more", divergences[0], divergences[1])
	}
	if d, err = Compare(t.Context(), pool, Compared{Dir: dir}, Compared{Dir: dir, Numerics: model.Overrides{KV: "int8"}}, tokens, 20); err != nil || d.Median <= 0 || d.Median >= divergences[0] {
		t.Errorf("KV cache of int8: %+v, %v, expected something, and less than all weights of 8 bits", d, err)
	}
	if _, err := Compare(t.Context(), pool, Compared{Dir: dir}, Compared{Dir: dir, Numerics: model.Overrides{KV: "int7"}}, tokens, 20); err == nil {
		t.Error("a KV cache of int7 was accepted")
	}
	if _, err := Compare(t.Context(), pool, Compared{Dir: dir}, Compared{Dir: dir}, tokens[:15], 16); err == nil {
		t.Error("less than a window was accepted")
	}
}
