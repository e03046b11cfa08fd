package checkpoint

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Summary is what a person or a program wants to know about a checkpoint.
// Sizes are in bytes.
type Summary struct {
	Dir           string        `json:"dir"`
	Digest        string        `json:"digest"`
	Architecture  string        `json:"architecture"`
	ExpertDTypes  []string      `json:"expert_dtypes"` // sorted
	DenseDTypes   []string      `json:"dense_dtypes"`  // sorted
	Layers        int           `json:"layers"`
	Hidden        int           `json:"hidden"`
	FFN           int           `json:"ffn"`
	Heads         int           `json:"heads"`
	KVHeads       int           `json:"kv_heads"`
	HeadDim       int           `json:"head_dim"`
	Vocab         int           `json:"vocab"`
	Experts       int           `json:"experts"`
	TopK          int           `json:"top_k"`
	RopeTheta     float64       `json:"rope_theta"`
	NormEps       float64       `json:"norm_eps"`
	SlidingWindow int           `json:"sliding_window"`
	TieEmbeddings bool          `json:"tie_embeddings"`
	MaxContext    int           `json:"max_context"`
	Parameters    int64         `json:"parameters"`
	Active        int64         `json:"active_parameters"` // read for one token
	Bytes         int64         `json:"bytes"`
	ExpertBytes   int64         `json:"expert_bytes"` // of one expert
	DenseBytes    int64         `json:"dense_bytes"`
	Tensors       int           `json:"tensors"`
	Files         []FileSummary `json:"files"`
	Ignored       []string      `json:"ignored"`
	Notes         []string      `json:"notes"`
	Manifest      bool          `json:"manifest"` // full hashes are known
}

// FileSummary is one safetensors file.
type FileSummary struct {
	Name    string `json:"name"`
	Bytes   int64  `json:"bytes"`
	Tensors int    `json:"tensors"`
}

// Summary describes the checkpoint without reading any weight.
func (c *Checkpoint) Summary() Summary {
	m := c.config
	s := Summary{
		Dir: c.dir, Digest: c.digest, Architecture: m.Arch, Layers: m.Layers, Hidden: m.Hidden, FFN: m.FFN,
		Heads: m.Heads, KVHeads: m.KVHeads, HeadDim: m.HeadDim, Vocab: m.Vocab, Experts: m.Experts, TopK: m.TopK,
		RopeTheta: m.RopeTheta, NormEps: m.NormEps, SlidingWindow: m.SlidingWindow, TieEmbeddings: m.TieEmbeddings,
		MaxContext: m.MaxContext, Bytes: c.bytesOf(c.layout), ExpertBytes: c.ExpertBytes(), DenseBytes: c.DenseBytes(),
		Tensors: len(c.layout), Ignored: c.IgnoredKeys(), Notes: c.Notes(), Manifest: c.manifest.Load() != nil,
	}
	for _, spec := range c.layout {
		s.Parameters += spec.Elements()
	}
	s.ExpertDTypes, s.DenseDTypes = c.dtypes(true), c.dtypes(false)
	idle := int64(m.Layers-len(m.DenseLayers)) * int64(m.Experts-m.TopK) * 3 * int64(m.Hidden) * int64(m.FFN)
	s.Active = s.Parameters - idle
	for _, f := range c.files {
		s.Files = append(s.Files, FileSummary{Name: f.name, Bytes: f.size, Tensors: len(f.entries)})
	}
	return s
}

// dtypes are the data types of the tensors of experts, or of all others, sorted.
func (c *Checkpoint) dtypes(experts bool) []string {
	seen := map[string]bool{}
	for _, t := range c.tensors {
		if t.IsExpert == experts {
			seen[t.dtype.String()] = true
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

// String is the summary for a terminal, one fact per line.
func (s Summary) String() string {
	var b strings.Builder
	line := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "%-12s "+format+"\n", append([]any{name}, args...)...)
	}
	line("checkpoint", "%s", s.Dir)
	line("digest", "%s", s.Digest)
	line("architecture", "%s", s.Architecture)
	line("shape", "%d layers, hidden %d, ffn %d, vocab %d%s", s.Layers, s.Hidden, s.FFN, s.Vocab,
		map[bool]string{true: ", tied embeddings"}[s.TieEmbeddings])
	line("attention", "%d heads, %d kv heads, head dim %d, rope theta %g, norm eps %g", s.Heads, s.KVHeads, s.HeadDim, s.RopeTheta, s.NormEps)
	line("context", "%d positions, sliding window %s", s.MaxContext, orNone(s.SlidingWindow))
	line("experts", "%d per layer, %d per token, %s each", s.Experts, s.TopK, size(s.ExpertBytes))
	line("parameters", "%s, %s read per token", count(s.Parameters), count(s.Active))
	line("weights", "experts %s, attention and head %s; %s in %d tensors, %s for the attention node",
		strings.Join(s.ExpertDTypes, ", "), strings.Join(s.DenseDTypes, ", "), size(s.Bytes), s.Tensors, size(s.DenseBytes))
	for _, f := range s.Files {
		line("file", "%s, %s, %d tensors", f.Name, size(f.Bytes), f.Tensors)
	}
	if len(s.Ignored) > 0 {
		line("ignored", "%s", strings.Join(s.Ignored, ", "))
	}
	for _, n := range s.Notes {
		line("note", "%s", n)
	}
	line("manifest", "%s", map[bool]string{true: "full hashes cached", false: "none; make one with --verify"}[s.Manifest])
	return b.String()
}

func orNone(n int) string {
	if n == 0 {
		return "none"
	}
	return fmt.Sprint(n)
}

func size(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.2f GiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	default:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
}

func count(n int64) string {
	switch {
	case n >= 1e9:
		return fmt.Sprintf("%.2f G", float64(n)/1e9)
	default:
		return fmt.Sprintf("%.2f M", float64(n)/1e6)
	}
}
