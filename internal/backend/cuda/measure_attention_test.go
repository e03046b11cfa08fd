package cuda

import (
	"errors"
	"flag"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/hachi-serve/hachi/internal/backend"
	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/model"
)

// The flags of `make gpu-check`, by themselves small: a GPU is asked for 64 sequences
// of 2,000 positions.
var (
	sequences = flag.Int("sequences", 2, "sequences of the measured attention")
	positions = flag.Int("context", 40, "positions of each")
)

// attentionTiming is a decode step's attention in one layer.
type attentionTiming struct {
	Format    string  `json:"kv_format"`
	Sequences int     `json:"sequences"`
	Context   int     `json:"context"`
	CallUS    float64 `json:"call_us"`   // of Attend, with its products, from rows in host memory and back
	KernelUS  float64 `json:"kernel_us"` // of heads to their places, tiles and their sums
	GBps      float64 `json:"kv_gb_per_s"`
	OfRead    float64 `json:"percent_of_read"` // of what a plain read takes
}

// TestLargeAttention prints how fast attention reads keys and values, which on a fake
// driver says nothing. Rows are finite, and the same in a step of one sequence as in
// one of all.
func TestLargeAttention(t *testing.T) {
	var all []attentionTiming
	for _, format := range cacheFormats {
		opened, err := withKernel(Backend(Config{Open: openers(t, "")}), "").Open(backend.Options{Threads: 8, Attention: true})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, measureAttention(t, opened.(*device), format))
		if err := opened.Close(); err != nil {
			t.Error(err)
		}
	}
	writeReport(t, all)
}

// measureAttention fills a cache of one layer with heads as Mixtral's, and times decode
// steps.
func measureAttention(t *testing.T, d *device, format tensor.KVFormat) attentionTiming {
	t.Helper()
	c := attentionCase{name: "measured", heads: 32, kvHeads: 8, headDim: 128, kv: format}
	cfg := c.config()
	cfg.MaxContext = *positions + model.BlockSize
	opened, err := d.OpenDense(cfg, model.Numerics{Wire: tensor.BF16, KV: format, FFNActivation: tensor.BF16, DenseActivation: tensor.F32}, c.weights())
	if err != nil {
		t.Fatal(err)
	}
	dense, blocks := opened.(*dense), *positions/model.BlockSize+1
	if err := dense.ReserveKV(*sequences * blocks); err != nil {
		t.Fatal(err)
	}
	tables := make([][]int32, *sequences)
	for i := range *sequences * blocks { // neighbors in the cache are of different sequences
		tables[i%*sequences] = append(tables[i%*sequences], int32(i))
	}
	for _, table := range tables {
		for start := 0; start < *positions-1; start += maxRows {
			attendAll(t, dense, []model.Span{{Start: start, N: min(maxRows, *positions-1-start), Blocks: table}})
		}
	}
	var decode []model.Span
	for _, table := range tables {
		decode = append(decode, model.Span{Start: *positions - 1, N: 1, Blocks: table})
	}
	together, took := attendAll(t, dense, decode), make([]float64, 0, *calls)
	for i := range decode[:min(3, len(decode))] {
		if single := attendAll(t, dense, decode[i:i+1]); firstDifference(single.Row(0), together.Row(i)) >= 0 || single.Row(0)[0]-single.Row(0)[0] != 0 {
			t.Errorf("sequence %d has other bits by itself, or none", i)
		}
	}
	for range *calls {
		from := time.Now()
		attendAll(t, dense, decode)
		took = append(took, float64(time.Since(from).Nanoseconds())/1e3)
	}
	slices.Sort(took)
	out := attentionTiming{Format: format.String(), Sequences: *sequences, Context: *positions, CallUS: took[len(took)/2], KernelUS: dense.attentionTime(t, decode)}
	pages := *sequences * blocks * cfg.KVHeads
	out.GBps = float64(pages*pageBytes(format, dense.width)) / out.KernelUS / 1e3
	out.OfRead = 100 * out.GBps / readCeiling(t, d)
	if err := dense.Close(); err != nil {
		t.Error(err)
	}
	return out
}

// attendAll takes rows of spans through the first layer, and returns them.
func attendAll(t *testing.T, d *dense, spans []model.Span) tensor.Matrix {
	t.Helper()
	b := &model.Batch{Spans: spans}
	for _, s := range spans {
		for i := range s.N {
			b.Tokens = append(b.Tokens, int32((s.Start+i+int(s.Blocks[0]))%d.cfg.Vocab))
		}
	}
	n := len(b.Tokens)
	x, h, gate := tensor.NewMatrix(n, d.cfg.Hidden), tensor.NewMatrix(n, d.cfg.Hidden), tensor.NewMatrix(n, d.cfg.Experts)
	if err := errors.Join(d.Embed(b, x), d.Attend(0, 0, x, h, gate)); err != nil {
		t.Fatal(err)
	}
	return x
}

// attentionTime is the device's time for what is between the products of a layer, again
// and again.
func (d *dense) attentionTime(t *testing.T, spans []model.Span) (us float64) {
	t.Helper()
	d.rows = stepRows(&model.Batch{Spans: spans})
	failed := d.v.use(func() error {
		begin, err := d.v.NewEvent()
		if err != nil {
			return err
		}
		defer begin.Close()
		l, p := d.lane, densePasses(d.rows, 0, len(d.rows), d.limits)[0]
		a := attention{pass: p, x: tensor.NewMatrix(p.rows, d.cfg.Hidden)}
		at, err := l.fillAttention(a)
		if err != nil {
			return err
		}
		if err := l.stream.Record(begin); err != nil {
			return err
		}
		for range *calls {
			if err := l.queueAttention(a, at); err != nil {
				return err
			}
		}
		if err := l.await(); err != nil {
			return err
		}
		took, err := l.done.Since(begin)
		us = math.Max(float64(took.Nanoseconds())/1e3/float64(*calls), 1e-3)
		return err
	})
	if failed != nil {
		t.Fatal(failed)
	}
	return us
}
