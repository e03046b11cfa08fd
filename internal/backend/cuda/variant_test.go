package cuda

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/hachi-serve/hachi/internal/backend"
	"github.com/hachi-serve/hachi/internal/compute/tensor"
	driver "github.com/hachi-serve/hachi/internal/cuda"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/moe"
)

// TestEveryVariantHasTheSameBits runs all kernels of wgmma.cu, also those that pick takes
// for large models only, on the same rows: for each product and format the sums are those
// of the first.
func TestEveryVariantHasTheSameBits(t *testing.T) {
	opened, err := withKernel(Backend(Config{Open: openers(t, "")}), wgmmaKernel).Open(backend.Options{Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	d, cfg := opened.(*device), model.Config{Layers: 1, Hidden: 256, FFN: 384, Experts: 1, DType: tensor.BF16}
	e, err := newExperts(d, shapeOf(cfg), cfg)
	if err != nil {
		t.Fatal(err)
	}
	l := <-e.lanes
	for _, format := range portableFormats {
		w := model.ExpertWeights{W1: randomWeight(t, format, cfg.FFN, cfg.Hidden), W2: randomWeight(t, format, cfg.Hidden, cfg.FFN), W3: randomWeight(t, format, cfg.FFN, cfg.Hidden)}
		if err := e.Load(t.Context(), moe.ExpertID{}, w); err != nil {
			t.Fatal(err)
		}
		for _, product := range productsOf(format) {
			v := variantRun{t: t, l: l, image: e.images[moe.ExpertID{}], format: format, product: product}
			var want []byte
			for tile := minTile; tile <= d.kernels.maxTile(format); tile *= 2 {
				for _, w := range variants(product, format, tile) {
					if got := v.run(w, tile); want == nil {
						want = got
					} else if !bytes.Equal(got, want) {
						t.Errorf("%s, rows in tiles of %d: other bits than the first variant", w.kernel(product, format), tile)
					}
				}
			}
			if bytes.Equal(want, make([]byte, len(want))) {
				t.Errorf("%v, %s: nothing but zeros", format, product)
			}
		}
	}
	e.lanes <- l
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}

// variantRun computes a product of rows that are the same in every run.
type variantRun struct {
	t       *testing.T
	l       *lane
	image   *image
	format  tensor.DType
	product string
}

// run returns the outputs of a variant for as many rows as the largest tile has.
func (v variantRun) run(w variant, tile int) []byte {
	const slots = maxWGMMATile
	l, s := v.l, v.l.shape
	o := operands{in: l.x.Pointer, out: l.inner.Pointer, weights: l.input.Pointer, slots: slots, tile: tile, k: s.hidden, outputs: s.ffn}
	size, at := 2*slots*s.ffn, v.image.memory.Pointer
	if v.product != upProduct {
		o.in, o.out, o.k, o.outputs = l.inner.Pointer, l.x.Pointer, s.ffn, s.hidden
		size, at = 4*slots*s.hidden, v.image.down
	}
	out := make([]byte, size)
	failed := l.v.use(func() error {
		table := l.in.Bytes[:8*slots/tile]
		for i := 0; i < len(table); i += 8 {
			binary.LittleEndian.PutUint64(table[i:], uint64(at))
		}
		rows := l.in.Bytes[len(table):][:2*slots*o.k]
		copy(rows, v.rows(o.k))
		for to, from := range map[driver.Pointer][]byte{l.input.Pointer: table, o.in: rows} {
			if err := l.stream.Upload(to, from); err != nil {
				return err
			}
		}
		if err := l.stream.Clear(&driver.Buffer{Pointer: o.out, Size: size}); err != nil {
			return err
		}
		if err := l.v.kernels.runVariant(l.v.Device, l.stream, v.product, v.format, w, o); err != nil {
			return err
		}
		if err := l.stream.Download(l.out.Bytes[:size], o.out); err != nil {
			return err
		}
		return l.v.await(l.stream, l.done)
	})
	if failed != nil {
		v.t.Fatal(failed)
	}
	copy(out, l.out.Bytes)
	return out
}

// rows are random; for a fake driver, which takes long, most are zero.
func (v variantRun) rows(k int) []byte {
	rng, all := rand.New(rand.NewPCG(uint64(k), 9)), make([]float32, maxWGMMATile*k)
	for i := range all {
		if os.Getenv(onGPU) != "" || i/k%29 == 0 {
			all[i] = float32(rng.NormFloat64())
		}
	}
	b := make([]byte, 2*len(all))
	tensor.Encode(b, all, tensor.BF16)
	return b
}
