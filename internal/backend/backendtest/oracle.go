package backendtest

import (
	"math"
	"testing"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/moe"
)

// The oracle is the model in float64, by its definition: it shares no loop with
// any backend. Only the gate is that of package model.

// forward returns the logits of every position.
func forward(cfg model.Config, w weights, tokens []int32) (logits [][]float64) {
	var rows [][]float64
	for _, token := range tokens {
		rows = append(rows, matrix(w.dense.Embed)[token])
	}
	for layer, l := range w.dense.Layers {
		attend(cfg, l, rows)
		for p, x := range rows {
			h := rmsNorm(x, matrix(l.PostNorm)[0], cfg.NormEps)
			if cfg.IsDense(layer) {
				add(x, feedForward(l.Dense, h), 1)
				continue
			}
			var r moe.Routing
			scores := tensor.NewMatrix(1, cfg.Experts)
			for i, v := range product(l.Gate, h) {
				scores.Data[i] = float32(v)
			}
			if err := model.Gate(cfg.Gate, scores, cfg.TopK, &r); err != nil {
				panic(err)
			}
			for i, expert := range r.Experts {
				add(rows[p], feedForward(w.experts[moe.ExpertID{Layer: layer, Expert: int(expert)}], h), float64(r.Weights[i]))
			}
		}
	}
	for _, x := range rows {
		logits = append(logits, product(w.dense.Head, rmsNorm(x, matrix(w.dense.Norm)[0], cfg.NormEps)))
	}
	return logits
}

// attend adds attention to the residual rows of a sequence.
func attend(cfg model.Config, l model.LayerWeights, rows [][]float64) {
	var keys, values [][]float64
	for p, x := range rows {
		h := rmsNorm(x, matrix(l.InputNorm)[0], cfg.NormEps)
		q, k := product(l.Q, h), product(l.K, h)
		prepareHeads(cfg, q, l.QNorm, p)
		prepareHeads(cfg, k, l.KNorm, p)
		keys, values = append(keys, k), append(values, product(l.V, h))
		first := 0
		if cfg.SlidingWindow > 0 {
			first = max(0, p-cfg.SlidingWindow+1)
		}
		out := make([]float64, len(q))
		for head := range cfg.Heads {
			at, kv := head*cfg.HeadDim, head/(cfg.Heads/cfg.KVHeads)*cfg.HeadDim
			sum, weights := 0.0, make([]float64, p+1)
			for i := first; i <= p; i++ {
				score := 0.0
				for j := range cfg.HeadDim {
					score += q[at+j] * keys[i][kv+j]
				}
				weights[i] = math.Exp(score / math.Sqrt(float64(cfg.HeadDim)))
				sum += weights[i]
			}
			for i := first; i <= p; i++ {
				add(out[at:at+cfg.HeadDim], values[i][kv:kv+cfg.HeadDim], weights[i]/sum)
			}
		}
		add(x, product(l.O, out), 1)
	}
}

// prepareHeads norms every head, if the model does, and rotates it.
func prepareHeads(cfg model.Config, v []float64, gain tensor.Weight, position int) {
	half := cfg.HeadDim / 2
	for ; len(v) > 0; v = v[cfg.HeadDim:] {
		head := v[:cfg.HeadDim]
		if cfg.QKNorm {
			copy(head, rmsNorm(head, matrix(gain)[0], cfg.NormEps))
		}
		for i := range half {
			angle := float64(position) * math.Pow(cfg.RopeTheta, -2*float64(i)/float64(cfg.HeadDim))
			a, b, sin, cos := head[i], head[half+i], math.Sin(angle), math.Cos(angle)
			head[i], head[half+i] = a*cos-b*sin, b*cos+a*sin
		}
	}
}

// feedForward is w2(silu(w1 x) * (w3 x)).
func feedForward(w model.ExpertWeights, x []float64) []float64 {
	inner, up := product(w.W1, x), product(w.W3, x)
	for i, v := range inner {
		inner[i] = v / (1 + math.Exp(-v)) * up[i]
	}
	return product(w.W2, inner)
}

func rmsNorm(x, gain []float64, eps float64) []float64 {
	square, out := 0.0, make([]float64, len(x))
	for _, v := range x {
		square += v * v
	}
	for i, v := range x {
		out[i] = v / math.Sqrt(square/float64(len(x))+eps) * gain[i]
	}
	return out
}

func product(w tensor.Weight, x []float64) []float64 {
	out := make([]float64, w.Rows)
	for r, row := range matrix(w) {
		for i, v := range row {
			out[r] += v * x[i]
		}
	}
	return out
}

// matrix decodes a weight.
func matrix(w tensor.Weight) [][]float64 {
	v := make([]float32, w.Rows*w.Cols)
	if w.DType.Quantized() {
		for r := range w.Rows {
			tensor.Dequantize(v[r*w.Cols:(r+1)*w.Cols], w, r)
		}
	} else {
		tensor.Decode(v, w.Data, w.DType)
	}
	var rows [][]float64
	for ; len(v) > 0; v = v[w.Cols:] {
		rows = append(rows, widen(v[:w.Cols]))
	}
	return rows
}

func widen(v []float32) []float64 {
	out := make([]float64, len(v))
	for i, x := range v {
		out[i] = float64(x)
	}
	return out
}

func add(to, v []float64, scale float64) {
	for i, x := range v {
		to[i] += scale * x
	}
}

// compare allows a difference relative to the largest value of the row.
func compare(t *testing.T, got []float32, want []float64, tolerance float64) {
	t.Helper()
	largest := 0.0
	for _, v := range want {
		largest = max(largest, math.Abs(v))
	}
	for i, v := range want {
		if d := math.Abs(float64(got[i]) - v); !(d <= tolerance*largest) {
			t.Fatalf("element %d is %g, want %g within %g of %g", i, got[i], v, tolerance, largest)
		}
	}
}
