package checkpoint

import (
	"fmt"
	"regexp"

	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/moe"
)

// Spec is one tensor a configuration asks for.
type Spec struct {
	Name string
	// Rows and Cols are its shape; a vector is [Cols] on disk and has Rows 1.
	Rows, Cols int
	Vector     bool
	// Expert is the expert the tensor belongs to when IsExpert is set; all
	// other tensors are the attention node's.
	Expert   moe.ExpertID
	IsExpert bool
}

// Elements is how many numbers the tensor holds.
func (s Spec) Elements() int64 { return int64(s.Rows) * int64(s.Cols) }

// Shape is the tensor's shape on disk.
func (s Spec) Shape() []int64 {
	if s.Vector {
		return []int64{int64(s.Cols)}
	}
	return []int64{int64(s.Rows), int64(s.Cols)}
}

// Layout lists every tensor of a model, in the order of computation. The
// configuration must be valid.
func Layout(c model.Config) []Spec {
	out := []Spec{{Name: embedName, Rows: c.Vocab, Cols: c.Hidden}}
	for l := range c.Layers {
		out = append(out, denseLayer(c, l)...)
		for e := range c.Experts {
			out = append(out, expertSpecs(c, moe.ExpertID{Layer: l, Expert: e})...)
		}
	}
	out = append(out, Spec{Name: normName, Rows: 1, Cols: c.Hidden, Vector: true})
	if !c.TieEmbeddings {
		out = append(out, Spec{Name: headName, Rows: c.Vocab, Cols: c.Hidden})
	}
	return out
}

const (
	embedName = "model.embed_tokens.weight"
	normName  = "model.norm.weight"
	headName  = "lm_head.weight"
)

// denseLayer lists, in this order: input norm, q, k, v, o, post norm, gate.
func denseLayer(c model.Config, layer int) []Spec {
	p := fmt.Sprintf("model.layers.%d.", layer)
	q, kv := c.Heads*c.HeadDim, c.KVHeads*c.HeadDim
	return []Spec{
		{Name: p + "input_layernorm.weight", Rows: 1, Cols: c.Hidden, Vector: true},
		{Name: p + "self_attn.q_proj.weight", Rows: q, Cols: c.Hidden},
		{Name: p + "self_attn.k_proj.weight", Rows: kv, Cols: c.Hidden},
		{Name: p + "self_attn.v_proj.weight", Rows: kv, Cols: c.Hidden},
		{Name: p + "self_attn.o_proj.weight", Rows: c.Hidden, Cols: q},
		{Name: p + "post_attention_layernorm.weight", Rows: 1, Cols: c.Hidden, Vector: true},
		{Name: p + "block_sparse_moe.gate.weight", Rows: c.Experts, Cols: c.Hidden},
	}
}

// expertSpecs lists w1, w2, w3, in this order.
func expertSpecs(c model.Config, id moe.ExpertID) []Spec {
	p := fmt.Sprintf("model.layers.%d.block_sparse_moe.experts.%d.", id.Layer, id.Expert)
	return []Spec{
		{Name: p + "w1.weight", Rows: c.FFN, Cols: c.Hidden, Expert: id, IsExpert: true},
		{Name: p + "w2.weight", Rows: c.Hidden, Cols: c.FFN, Expert: id, IsExpert: true},
		{Name: p + "w3.weight", Rows: c.FFN, Cols: c.Hidden, Expert: id, IsExpert: true},
	}
}

var rotaryBuffer = regexp.MustCompile(`^model\.(layers\.\d+\.self_attn\.)?rotary_emb\.inv_freq$`)

// spare reports whether a tensor outside the layout may be left unread: a
// rotary table, which follows from rope_theta, or the head of a model that
// reuses its embedding.
func spare(c model.Config, name string) bool {
	return rotaryBuffer.MatchString(name) || c.TieEmbeddings && name == headName
}
