package arch

import (
	"strconv"
	"strings"

	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/moe"
)

// Role says what a tensor is for, in any architecture and any file format.
type Role string

// The roles, with their shapes.
const (
	Embed     Role = "embed"      // [vocab, hidden]
	FinalNorm Role = "norm"       // [hidden]
	Head      Role = "head"       // [vocab, hidden]
	InputNorm Role = "input_norm" // [hidden]
	Q         Role = "q"          // [heads*headDim, hidden]
	K         Role = "k"          // [kvHeads*headDim, hidden]
	V         Role = "v"          // [kvHeads*headDim, hidden]
	QNorm     Role = "q_norm"     // [headDim]
	KNorm     Role = "k_norm"     // [headDim]
	O         Role = "o"          // [hidden, heads*headDim]
	PostNorm  Role = "post_norm"  // [hidden]
	Gate      Role = "gate"       // [experts, hidden]
	W1        Role = "w1"         // [ffn, hidden], an expert's gate projection
	W2        Role = "w2"         // [hidden, ffn], an expert's down projection
	W3        Role = "w3"         // [ffn, hidden], an expert's up projection
	DenseW1   Role = "dense_w1"   // [denseFFN, hidden], of a layer without experts
	DenseW2   Role = "dense_w2"   // [hidden, denseFFN]
	DenseW3   Role = "dense_w3"   // [denseFFN, hidden]
)

// Tensor is one tensor of a model.
type Tensor struct {
	Role Role
	Name string
	// Rows and Cols are its shape; a vector is [Cols] on disk and has Rows 1.
	Rows, Cols int
	Vector     bool
	Layer      int // 0 for a tensor outside the layers
	// Expert is the expert the tensor belongs to when IsExpert is set; all
	// other tensors are the attention node's.
	Expert   moe.ExpertID
	IsExpert bool
}

// Tensors lists every tensor of a model, in the order of computation. The
// configuration must be valid.
func (a Arch) Tensors(c model.Config) []Tensor {
	out := []Tensor{a.tensor(c, Embed, 0)}
	for layer := range c.Layers {
		out = append(out, a.layer(c, layer)...)
		for expert := range c.Topology().In(layer) {
			out = append(out, a.Expert(c, moe.ExpertID{Layer: layer, Expert: expert})...)
		}
	}
	out = append(out, a.tensor(c, FinalNorm, 0))
	if !c.TieEmbeddings {
		out = append(out, a.tensor(c, Head, 0))
	}
	return out
}

// layer lists the attention node's tensors of one layer.
func (a Arch) layer(c model.Config, layer int) []Tensor {
	roles := []Role{InputNorm, Q, K, V}
	if c.QKNorm {
		roles = append(roles, QNorm, KNorm)
	}
	roles = append(roles, O, PostNorm)
	if c.IsDense(layer) {
		roles = append(roles, DenseW1, DenseW2, DenseW3)
	} else {
		roles = append(roles, Gate)
	}
	out := make([]Tensor, len(roles))
	for i, role := range roles {
		out[i] = a.tensor(c, role, layer)
	}
	return out
}

// Expert lists the tensors of one expert.
func (a Arch) Expert(c model.Config, id moe.ExpertID) []Tensor {
	out := make([]Tensor, 0, 3)
	for _, role := range []Role{W1, W2, W3} {
		t := a.tensor(c, role, id.Layer)
		t.Name = strings.ReplaceAll(t.Name, "{expert}", strconv.Itoa(id.Expert))
		t.Expert, t.IsExpert = id, true
		out = append(out, t)
	}
	return out
}

func (a Arch) tensor(c model.Config, role Role, layer int) Tensor {
	rows, cols := shape(c, role)
	return Tensor{
		Role: role, Name: strings.ReplaceAll(a.Names[role], "{layer}", strconv.Itoa(layer)),
		Rows: rows, Cols: cols, Vector: vector(role), Layer: layer,
	}
}

// vector reports that a tensor has one dimension.
func vector(role Role) bool {
	switch role {
	case FinalNorm, InputNorm, PostNorm, QNorm, KNorm:
		return true
	}
	return false
}

func shape(c model.Config, role Role) (rows, cols int) {
	switch role {
	case Embed, Head:
		return c.Vocab, c.Hidden
	case Q:
		return c.Heads * c.HeadDim, c.Hidden
	case K, V:
		return c.KVHeads * c.HeadDim, c.Hidden
	case O:
		return c.Hidden, c.Heads * c.HeadDim
	case QNorm, KNorm:
		return 1, c.HeadDim
	case Gate:
		return c.Experts, c.Hidden
	case W1, W3:
		return c.FFN, c.Hidden
	case W2:
		return c.Hidden, c.FFN
	case DenseW1, DenseW3:
		return c.DenseFFN, c.Hidden
	case DenseW2:
		return c.Hidden, c.DenseFFN
	default: // the norms over a row
		return 1, c.Hidden
	}
}
