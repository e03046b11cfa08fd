package cpu

import (
	"runtime"
	"slices"
	"testing"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/model"
)

// TestKVCacheIsOutsideTheGoHeap: in the heap, a cache would allow as much garbage
// as its own size.
func TestKVCacheIsOutsideTheGoHeap(t *testing.T) {
	p := NewPool(PoolOptions{Threads: 1})
	defer p.Close()
	cfg := model.Config{Layers: 2, Hidden: 64, FFN: 64, Heads: 4, KVHeads: 4, HeadDim: 16, Vocab: 4, Experts: 2, TopK: 1, RopeTheta: 1e4, NormEps: 1e-5, MaxContext: 64}
	for _, format := range []tensor.KVFormat{tensor.KVF32, tensor.KVBF16, tensor.KVInt8} {
		d := randomDense(t, p, cfg, DenseOptions{Numerics: model.Numerics{Wire: tensor.BF16, KV: format, DenseActivation: tensor.F32}})
		blocks := int((256 << 20) / d.KVBlockBytes())
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if err := d.ReserveKV(blocks); err != nil {
			t.Fatal(err)
		}
		runtime.ReadMemStats(&after)
		if grown := after.TotalAlloc - before.TotalAlloc; grown > 1<<20 {
			t.Errorf("%v: a cache of 256 MiB took %d bytes of the heap", format, grown)
		}
		if left := d.memory.Left(); left != 0 {
			t.Errorf("%v: %d bytes of the cache are no layer's", format, left)
		}
		last := d.kv[cfg.Layers-1].tile(int32(blocks-1), cfg.KVHeads-1)
		if len(last.Keys) == 0 || slices.Max(last.Keys) != 0 || slices.Max(last.Values) != 0 {
			t.Errorf("%v: the last tile is not empty", format)
		}
		last.Values[len(last.Values)-1] = 1 // the end of the cache is mapped
	}
}
