package gguf

import (
	"errors"
	"fmt"
	"slices"

	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/internal/model/arch"
)

// fields reads metadata, remembers which keys were read, and collects what is
// wrong with them.
type fields struct {
	meta   map[string]any
	used   map[string]bool
	faults []error
}

func newFields(meta map[string]any) *fields { return &fields{meta: meta, used: map[string]bool{}} }

func (f *fields) fault(format string, args ...any) {
	f.faults = append(f.faults, fmt.Errorf(format, args...))
}

// get is the value of a key, nil for none.
func (f *fields) get(key string) any {
	f.used[key] = true
	return f.meta[key]
}

// integer reads a whole number; fallback is for a key that is absent, and less
// than 0 when it must be there.
func (f *fields) integer(key string, fallback int) int {
	switch v := f.get(key).(type) {
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
	f.fault("%s: found %s, expected a whole number", key, excerpt(f.meta[key]))
	return 0
}

func (f *fields) number(key string, fallback float64) float64 {
	switch v := f.get(key).(type) {
	case float64:
		return v
	case nil:
		if fallback > 0 {
			return fallback
		}
		f.fault("%s: missing", key)
		return 0
	}
	f.fault("%s: found %s, expected a number", key, excerpt(f.meta[key]))
	return 0
}

func (f *fields) boolean(key string, fallback bool) bool {
	switch v := f.get(key).(type) {
	case bool:
		return v
	case nil:
		return fallback
	}
	f.fault("%s: found %s, expected true or false", key, excerpt(f.meta[key]))
	return fallback
}

// text is "" for a key that is absent.
func (f *fields) text(key string) string {
	switch v := f.get(key).(type) {
	case string:
		return v
	case nil:
		return ""
	}
	f.fault("%s: found %s, expected a text", key, excerpt(f.meta[key]))
	return ""
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

// config is the model's shape. Keys of ignored are not judged.
func (h *header) config(ignored []string) (model.Config, error) {
	f := newFields(h.meta)
	if kind := f.text("general.type"); kind != "" && kind != "model" {
		return model.Config{}, fmt.Errorf("general.type is %q: the file is no model", kind)
	}
	a, err := architecture(f.text("general.architecture"))
	if err != nil {
		return model.Config{}, err
	}
	if v := f.integer("general.quantization_version", quantizationVersion); v != quantizationVersion {
		f.fault("general.quantization_version: found %d, expected %d", v, quantizationVersion)
	}
	p := f.text("general.architecture") + "."
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
	embed, ok := h.tensors["token_embd.weight"]
	if !ok || len(embed.dims) != 2 {
		f.fault("token_embd.weight: missing, or no matrix")
	} else {
		c.Vocab = int(embed.dims[1])
	}
	_, head := h.tensors["output.weight"]
	c.TieEmbeddings = !head
	f.checkKeys(p, c, ignored)
	if err := errors.Join(f.faults...); err != nil {
		return c, err
	}
	return c, c.Validate()
}

// quantizationVersion is the version of the layouts in kind.go.
const quantizationVersion = 2
