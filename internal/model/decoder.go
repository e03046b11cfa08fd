package model

import (
	"fmt"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/moe"
)

// Decoder is the attention side of every layer as arithmetic: attention, gate
// and dense layers, in the order that the numerics contract fixes. Which rows
// go first, and on which goroutine, is up to the caller. Like Dense it is not
// safe for concurrent use.
type Decoder struct {
	cfg      Config
	topology moe.Topology
	dense    Dense
}

// NewDecoder joins a configuration and the backend that computes it.
func NewDecoder(cfg Config, dense Dense) Decoder {
	return Decoder{cfg: cfg, topology: cfg.Topology(), dense: dense}
}

// Rows are consecutive rows of a step on their way through the layers.
type Rows struct {
	First   int           // index of the first row in the step
	X       tensor.Matrix // residual stream [rows, hidden]
	H       tensor.Matrix // post-attention norm [rows, hidden], in the wire dtype's precision
	Gate    tensor.Matrix // gate logits [rows, experts]
	Routing moe.Routing   // written by Route
}

// Embed writes the residual stream of a step's tokens.
func (d *Decoder) Embed(b *Batch, x tensor.Matrix) error {
	if err := d.dense.Embed(b, x); err != nil {
		return fmt.Errorf("embed: %w", err)
	}
	return nil
}

// Attend advances rows through the attention of a layer. Rows of one layer must
// come in ascending order: a row attends to the keys of those before it.
func (d *Decoder) Attend(layer int, r *Rows) error {
	if err := d.dense.Attend(layer, r.First, r.X, r.H, r.Gate); err != nil {
		return fmt.Errorf("layer %d: attention: %w", layer, err)
	}
	return nil
}

// Route chooses the experts of rows that Attend has advanced. In a layer
// without experts it computes the dense feed-forward network instead, and
// routed is false: the rows are then done with the layer.
func (d *Decoder) Route(layer int, r *Rows) (routed bool, err error) {
	if d.topology.In(layer) == 0 {
		err = d.dense.FeedForward(layer, r.H, r.X)
	} else {
		routed, err = true, Gate(d.cfg.Gate, r.Gate, d.cfg.TopK, &r.Routing)
	}
	if err != nil {
		return false, fmt.Errorf("layer %d: %w", layer, err)
	}
	return routed, nil
}

// Head writes logits [len(b.Outputs), vocab]; without outputs it does nothing.
func (d *Decoder) Head(b *Batch, x, logits tensor.Matrix) error {
	if len(b.Outputs) == 0 {
		return nil
	}
	return d.dense.Head(b, x, logits)
}
