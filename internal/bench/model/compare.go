package model

import (
	"context"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/hachi-serve/hachi/internal/backend/cpu"
	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/model"
)

// Difference says how far a model is from another with the same vocabulary,
// over the positions of a text. Divergences are Kullback-Leibler's, of the
// reference from the model, in nats.
type Difference struct {
	Reference  string  `json:"reference"`
	Model      string  `json:"model"`
	Window     int     `json:"window"`
	Positions  int     `json:"positions"`
	Mean       float64 `json:"kl_mean"`
	Median     float64 `json:"kl_median"`
	P90        float64 `json:"kl_p90"`
	SameArgmax float64 `json:"same_argmax"` // share of positions
	// Perplexities of the text.
	ReferencePerplexity float64 `json:"reference_perplexity"`
	Perplexity          float64 `json:"perplexity"`
}

// Compared is a checkpoint and how it is computed.
type Compared struct {
	Dir      string // or the place of one
	Open     Open   // opens it; nil opens a directory
	Numerics model.Overrides
}

func (c Compared) String() string {
	s := c.Dir
	if c.Numerics.KV != "" {
		s += ", KV cache of " + c.Numerics.KV
	}
	if c.Numerics.FFNActivation != "" {
		s += ", FFN activation of " + c.Numerics.FFNActivation
	}
	if c.Numerics.DenseActivation != "" {
		s += ", dense activation of " + c.Numerics.DenseActivation
	}
	return s
}

// Compare runs tokens through both models, window by window, whole windows
// only. Every window is a sequence of its own that begins with the BOS token
// instead of its first, and only predictions in its second half count, those
// that have seen half a window: so does llama.cpp's llama-perplexity.
func Compare(ctx context.Context, p *cpu.Pool, reference, other Compared, tokens []int32, window int) (Difference, error) {
	if window < 4 || len(tokens) < window {
		return Difference{}, fmt.Errorf("%d tokens and a window of %d, expected a window of at least 4 and tokens for one", len(tokens), window)
	}
	d := Difference{Reference: reference.String(), Model: other.String(), Window: window}
	want, err := openCompared(ctx, p, reference, window)
	if err != nil {
		return d, err
	}
	defer want.Close()
	got, err := openCompared(ctx, p, other, window)
	if err != nil {
		return d, err
	}
	defer got.Close()
	if want.cfg.Vocab != got.cfg.Vocab {
		return d, fmt.Errorf("vocabularies of %d and %d", want.cfg.Vocab, got.cfg.Vocab)
	}
	var divergences []float64
	var surprise [2]float64
	same := 0
	for ; len(tokens) >= window; tokens = tokens[window:] {
		part := slices.Clone(tokens[:window])
		if want.cfg.BOS >= 0 {
			part[0] = int32(want.cfg.BOS)
		}
		a, err := want.logits(ctx, part)
		if err != nil {
			return d, err
		}
		b, err := got.logits(ctx, part)
		if err != nil {
			return d, err
		}
		for i := window / 2; i < window-1; i++ {
			x, y := logProbabilities(a.Row(i)), logProbabilities(b.Row(i))
			divergences = append(divergences, divergence(x, y))
			surprise[0] -= x[part[i+1]]
			surprise[1] -= y[part[i+1]]
			if largest(x) == largest(y) {
				same++
			}
		}
	}
	d.fill(divergences, surprise, same)
	return d, nil
}

func (d *Difference) fill(divergences []float64, surprise [2]float64, same int) {
	n := len(divergences)
	d.Positions = n
	for _, v := range divergences {
		d.Mean += v / float64(n)
	}
	slices.Sort(divergences)
	d.Median, d.P90, d.SameArgmax = divergences[n/2], divergences[n*9/10], float64(same)/float64(n)
	d.ReferencePerplexity, d.Perplexity = math.Exp(surprise[0]/float64(n)), math.Exp(surprise[1]/float64(n))
}

func openCompared(ctx context.Context, p *cpu.Pool, c Compared, window int) (*bench, error) {
	return open(ctx, Options{Dir: c.Dir, Open: c.Open, Numerics: c.Numerics, Pool: p, Prefill: []int{window}, Memory: 1 << 20})
}

// logits of every position of a sequence.
func (b *bench) logits(ctx context.Context, tokens []int32) (tensor.Matrix, error) {
	batch := &model.Batch{Tokens: tokens, Spans: []model.Span{{N: len(tokens)}}}
	for i := range tokens {
		batch.Outputs = append(batch.Outputs, int32(i))
		if i%model.BlockSize == 0 {
			batch.Spans[0].Blocks = append(batch.Spans[0].Blocks, int32(i/model.BlockSize))
		}
	}
	y := tensor.NewMatrix(len(tokens), b.cfg.Vocab)
	return y, b.runner.Forward(ctx, batch, y)
}

func logProbabilities(row []float32) []float64 {
	top, sum := float64(slices.Max(row)), 0.0
	for _, v := range row {
		sum += math.Exp(float64(v) - top)
	}
	out := make([]float64, len(row))
	for i, v := range row {
		out[i] = float64(v) - top - math.Log(sum)
	}
	return out
}

func divergence(p, q []float64) (sum float64) {
	for i, v := range p {
		sum += math.Exp(v) * (v - q[i])
	}
	return sum
}

func largest(v []float64) int {
	best := 0
	for i := range v {
		if v[i] > v[best] {
			best = i
		}
	}
	return best
}

// WriteText writes divergence, argmax and perplexity.
func (d Difference) WriteText(out io.Writer) {
	fmt.Fprintf(out, `%s against %s, %d positions, windows of %d
divergence   mean %.5f, median %.5f, p90 %.5f nats
argmax       the same at %.1f%% of positions
perplexity   %.3f, reference %.3f
`, d.Model, d.Reference, d.Positions, d.Window, d.Mean, d.Median, d.P90, 100*d.SameArgmax, d.Perplexity, d.ReferencePerplexity)
}
