package gguf

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/internal/model/arch"
)

// fields reads metadata and collects what is wrong with it.
type fields struct {
	meta   map[string]any
	faults []error
}

func (f *fields) fault(format string, args ...any) {
	f.faults = append(f.faults, fmt.Errorf(format, args...))
}

// integer reads a whole number; fallback is for a key that is absent, and less
// than 0 when it must be there.
func (f *fields) integer(key string, fallback int) int {
	switch v := f.meta[key].(type) {
	case uint64:
		if v < 1<<40 {
			return int(v)
		}
	case int64:
		return int(v)
	case nil:
		if fallback >= 0 {
			return fallback
		}
		f.fault("%s: missing", key)
		return 0
	}
	f.fault("%s: found %v, expected a whole number", key, f.meta[key])
	return 0
}

func (f *fields) number(key string, fallback float64) float64 {
	switch v := f.meta[key].(type) {
	case float64:
		return v
	case nil:
		if fallback > 0 {
			return fallback
		}
		f.fault("%s: missing", key)
		return 0
	}
	f.fault("%s: found %v, expected a number", key, f.meta[key])
	return 0
}

// architecture is the one that general.architecture names.
func architecture(name string) (arch.Arch, error) {
	var known []string
	for _, a := range arch.All() {
		if slices.Contains(a.GGUF.Architectures, name) {
			return a, nil
		}
		known = append(known, a.GGUF.Architectures...)
	}
	return arch.Arch{}, fmt.Errorf("general.architecture is %q, expected one of %v, with experts", name, known)
}

// config is the model's shape.
func (h *header) config() (model.Config, error) {
	f := &fields{meta: h.meta}
	name, _ := h.meta["general.architecture"].(string)
	a, err := architecture(name)
	if err != nil {
		return model.Config{}, err
	}
	p := name + "."
	c := model.Config{
		Arch:   a.Name,
		Layers: f.integer(p+"block_count", -1), Hidden: f.integer(p+"embedding_length", -1), FFN: f.integer(p+"feed_forward_length", -1),
		Heads: f.integer(p+"attention.head_count", -1), Experts: f.integer(p+"expert_count", -1), TopK: f.integer(p+"expert_used_count", -1),
		MaxContext: f.integer(p+"context_length", -1), RopeTheta: f.number(p+"rope.freq_base", 10000),
		NormEps:       float64(float32(f.number(p+"attention.layer_norm_rms_epsilon", 0))),
		SlidingWindow: f.integer(p+"attention.sliding_window", 0),
		BOS:           f.integer("tokenizer.ggml.bos_token_id", 1), EOS: []int{f.integer("tokenizer.ggml.eos_token_id", 2)},
	}
	c.KVHeads = f.integer(p+"attention.head_count_kv", c.Heads)
	c.HeadDim = f.integer(p+"attention.key_length", c.Hidden/max(1, c.Heads))
	for _, key := range []string{"attention.value_length", "rope.dimension_count"} {
		if d := f.integer(p+key, c.HeadDim); d != c.HeadDim {
			f.fault("%s%s: found %d, expected the head dim, %d", p, key, d, c.HeadDim)
		}
	}
	if s, ok := h.meta[p+"rope.scaling.type"]; ok && s != "none" {
		f.fault("%srope.scaling.type: found %v: scaled rotary embedding is not implemented", p, s)
	}
	for key := range h.meta {
		if strings.HasPrefix(key, p+"expert_") && key != p+"expert_count" && key != p+"expert_used_count" {
			f.fault("%s: unknown key: it may change the arithmetic, and hachi does not implement it", key)
		}
	}
	embed, ok := h.tensors["token_embd.weight"]
	if !ok || len(embed.dims) != 2 {
		f.fault("token_embd.weight: missing, or no matrix")
	} else {
		c.Vocab = int(embed.dims[1])
	}
	_, head := h.tensors["output.weight"]
	c.TieEmbeddings = !head
	if err := errors.Join(f.faults...); err != nil {
		return c, err
	}
	return c, c.Validate()
}
