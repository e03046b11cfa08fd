package gguf

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hachi-serve/hachi/internal/model"
)

// information are the beginnings of keys that say where a file comes from and
// how it was made: names, licenses, data sets, the calibration of the
// quantization, the part of a split file. No reader computes with them.
var information = []string{"general.", "split.", "quantize.imatrix.", "imatrix.", "mradermacher."}

// tokenizerKeys are judged where the vocabulary is read, see vocabulary.go.
const tokenizerKeys = "tokenizer."

// neutral are the keys that change the arithmetic in a way that hachi does not
// implement, and the values that change nothing. The names follow that of the
// architecture.
var neutral = map[string][]any{
	"attention.causal":                  {true},
	"attention.clamp_kqv":               {0.0},
	"attention.max_alibi_bias":          {0.0},
	"attn_logit_softcapping":            {0.0},
	"embedding_scale":                   {1.0},
	"expert_gating_func":                {1.0}, // softmax
	"expert_group_count":                {0.0, 1.0},
	"expert_group_used_count":           {0.0, 1.0},
	"expert_shared_count":               {0.0},
	"expert_shared_feed_forward_length": {0.0},
	"expert_weights_norm":               {true},
	"expert_weights_scale":              {0.0, 1.0}, // 0 is none
	"final_logit_softcapping":           {0.0},
	"leading_dense_block_count":         {0.0},
	"logit_scale":                       {1.0},
	"nextn_predict_layers":              {0.0},
	"residual_scale":                    {1.0},
	"rope.scale_linear":                 {0.0, 1.0}, // 0 is none
	"rope.scaling.attn_factor":          {1.0},
	"rope.scaling.factor":               {0.0, 1.0}, // 0 is none
	"rope.scaling.finetuned":            {false},
	"rope.scaling.type":                 {"none"},
	"tensor_data_layout":                {"Meta AI original pth"}, // rows of q and k in pairs
	"use_parallel_residual":             {false},
}

// repeated are keys that say again what another key or a tensor says.
func repeated(c model.Config) map[string]repetition {
	return map[string]repetition{
		"attention.value_length":               {c.HeadDim, "the head dim"},
		"rope.dimension_count":                 {c.HeadDim, "the head dim"},
		"expert_feed_forward_length":           {c.FFN, "the feed_forward_length"},
		"rope.scaling.original_context_length": {c.MaxContext, "the context_length"},
		"vocab_size":                           {c.Vocab, "the rows of the embedding"},
	}
}

type repetition struct {
	value int
	of    string
}

// checkKeys makes a fault of every key that was not read and that may change
// the arithmetic. c is what the keys that were read say.
func (f *fields) checkKeys(prefix string, c model.Config, ignored []string) {
	again := repeated(c)
	for _, key := range slices.Sorted(maps.Keys(f.meta)) {
		name, own := strings.CutPrefix(key, prefix)
		value := f.meta[key]
		want, repeats := again[name]
		values, known := neutral[name]
		switch {
		case f.used[key] || slices.Contains(ignored, key) && !(own && known):
		case own && repeats:
			if number(value) != any(float64(want.value)) {
				f.fault("%s: found %s, expected %s, %d", key, excerpt(value), want.of, want.value)
			}
		case own && known:
			if !slices.Contains(values, number(value)) {
				f.fault("%s: found %s, expected %s: hachi does not implement any other", key, excerpt(value), alternatives(values))
			}
		case strings.HasPrefix(key, tokenizerKeys) || isInformation(key):
		default:
			f.fault("%s: unknown key: it may change the arithmetic, and hachi does not implement it; if it is only information, give --ignore-key %[1]s", key)
		}
	}
}

func isInformation(key string) bool {
	return slices.ContainsFunc(information, func(start string) bool { return strings.HasPrefix(key, start) })
}

// number is a value with all numbers as float64.
func number(v any) any {
	switch v := v.(type) {
	case uint64:
		return float64(v)
	case int64:
		return float64(v)
	}
	return v
}

func alternatives(values []any) string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = fmt.Sprint(v)
	}
	return strings.Join(out, " or ")
}

// excerpt keeps a message readable when the value is long.
func excerpt(v any) string {
	s := fmt.Sprint(v)
	if text, ok := v.(string); ok {
		s = fmt.Sprintf("%q", text)
	}
	if len(s) > 80 {
		s = s[:80] + "..."
	}
	return s
}
