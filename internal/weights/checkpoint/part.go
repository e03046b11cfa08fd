package checkpoint

import (
	"fmt"
	"strings"
)

// Part says what a tensor is without the spelling of any format: embed, norm,
// head, and per layer input_norm, q, k, v, o, post_norm, gate, w1, w2, w3.
type Part struct {
	Name  string
	Layer int // of a layer's part
}

var parts = map[string]string{
	"input_layernorm": "input_norm", "self_attn.q_proj": "q", "self_attn.k_proj": "k", "self_attn.v_proj": "v", "self_attn.o_proj": "o",
	"post_attention_layernorm": "post_norm", "block_sparse_moe.gate": "gate",
}

// PartOf names a tensor of Layout.
func PartOf(s Spec) Part {
	switch s.Name {
	case embedName:
		return Part{Name: "embed"}
	case normName:
		return Part{Name: "norm"}
	case headName:
		return Part{Name: "head"}
	}
	var layer int
	_, _ = fmt.Sscanf(s.Name, "model.layers.%d.", &layer) // every other name of Layout has one
	inner := strings.TrimSuffix(strings.SplitN(s.Name, ".", 4)[3], ".weight")
	if s.IsExpert {
		return Part{inner[strings.LastIndexByte(inner, '.')+1:], layer}
	}
	return Part{parts[inner], layer}
}
