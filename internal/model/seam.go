package model

import (
	"context"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/moe"
)

// Dense is the attention node's half of a block. It owns the KV bytes; the
// caller owns the block numbers. Not safe for concurrent use.
type Dense interface {
	// Embed begins a step: it writes the residual stream x [rows, hidden] for
	// b.Tokens. b must stay as it is until the next.
	Embed(b *Batch, x tensor.Matrix) error
	// Attend advances rows first, first+1, ... of the step one layer, up to the
	// experts. Rows of a layer come in ascending order, in one call or in
	// several: a row sees the earlier ones. x [rows, hidden] gets the
	// attention output added; h [rows, hidden] becomes the post-attention norm
	// of x rounded to the wire dtype; gate [rows, experts] becomes f32 gate
	// logits of h, and is not touched in a layer without experts. K and V of the rows' positions are written to their blocks.
	// In the last layer, nothing else is read of a row that is not among b.Outputs:
	// its x, h and gate are undefined afterwards, so that a Dense need not compute them.
	Attend(layer, first int, x, h, gate tensor.Matrix) error
	// FeedForward computes a layer without experts, after Attend of the same
	// rows, or for some of them in the last layer: x [rows, hidden] += w2(silu(w1 h) * (w3 h)) for h [rows, hidden] as
	// Attend left it. The intermediate row is rounded as an expert's is; the
	// product stays f32.
	FeedForward(layer int, h, x tensor.Matrix) error
	// Head writes logits [len(b.Outputs), vocab] of rows b.Outputs of x.
	Head(b *Batch, x, logits tensor.Matrix) error
}

// FFN computes the experts of one layer on rows in the wire dtype. It is a pure
// function and safe for concurrent use.
type FFN interface {
	// Run reads x [rows, hidden] and writes y [sum of len(Index), hidden], both
	// in the wire dtype: for every group in turn, for every row of its Index,
	// y = w2(silu(w1 x) * (w3 x)), rounded to the wire dtype. A row's result
	// does not depend on the other rows or groups. An expert may occur in one
	// group only. NotHosted when one of the experts is not loaded; Invalid when
	// x or y has another size. After an error y is undefined. Run may end early
	// with ctx.
	Run(ctx context.Context, layer int, groups []moe.Group, x, y []byte) error
}

// Experts is the seam between attention and experts: dispatch and combine.
type Experts interface {
	// Forward adds the combined expert output to the residual x [rows, hidden]:
	// acc = w0*y0, then acc += w1*y1 ... in ascending expert id, then x += acc,
	// all f32. h is not changed. A missing expert is an error, and then x is
	// not changed.
	Forward(ctx context.Context, layer int, h tensor.Matrix, r moe.Routing, x tensor.Matrix) error
}

// ExpertWeights are the three matrices of one expert, as mapped.
type ExpertWeights struct {
	W1, W3 tensor.Weight // [ffn, hidden]
	W2     tensor.Weight // [hidden, ffn]
}

// LayerWeights are the attention node's tensors of one layer.
type LayerWeights struct {
	InputNorm, PostNorm tensor.Weight // [1, hidden]
	Q                   tensor.Weight // [heads*headDim, hidden]
	K, V                tensor.Weight // [kvHeads*headDim, hidden]
	O                   tensor.Weight // [hidden, heads*headDim]
	QNorm, KNorm        tensor.Weight // [1, headDim]; no data unless Config.QKNorm
	Gate                tensor.Weight // [experts, hidden]; no data in a dense layer
	Dense               ExpertWeights // of a layer without experts: [denseFFN, hidden] and back
}

// DenseWeights are all tensors of the attention node, as mapped.
type DenseWeights struct {
	Embed  tensor.Weight // [vocab, hidden]
	Norm   tensor.Weight // [1, hidden]
	Head   tensor.Weight // [vocab, hidden]; Embed itself when tied
	Layers []LayerWeights
}
