package sm90

import (
	"encoding/binary"

	"github.com/hachi-serve/hachi/internal/compute/kernel"
	"github.com/hachi-serve/hachi/internal/compute/tensor"
)

// Product is memory for products, kept between calls.
type Product struct{ w, x []number }

// Dot is the product of a row of weights and a row of activations, both of bf16 and of
// one length, from an accumulator of 0. What is missing of a whole Step is zero.
func (p *Product) Dot(w, x []byte) float32 {
	p.x = decodeRow(p.x, x)
	return p.dot(w)
}

// dot multiplies p.x.
func (p *Product) dot(w []byte) float32 {
	p.w = decodeRow(p.w, w)
	acc := float32(0)
	for k := 0; k < len(p.x); k += Step {
		acc = add(acc, p.w[k:k+Step], p.x[k:k+Step])
	}
	return acc
}

// MatVec writes y [w.Rows] = w x, for w of bf16 and x of bf16.
func (p *Product) MatVec(y []float32, w tensor.Weight, x []byte) {
	p.x = decodeRow(p.x, x)
	size := w.Cols * tensor.BF16.Size()
	for r := range w.Rows {
		y[r] = p.dot(w.Data[r*size : (r+1)*size])
	}
}

// FeedForward writes y = w2 bf16(silu(w1 x) * (w3 x)) for one row, as an expert of the
// kernels of backend cuda: all operands are of bf16, y is f32.
func (p *Product) FeedForward(y []float32, w1, w3, w2 tensor.Weight, x []byte) {
	gate, up := make([]float32, w1.Rows), make([]float32, w3.Rows)
	p.MatVec(gate, w1, x)
	p.MatVec(up, w3, x)
	kernel.Go().SiLUMul(gate, up)
	inner := make([]byte, len(gate)*tensor.BF16.Size())
	tensor.Encode(inner, gate, tensor.BF16)
	p.MatVec(y, w2, inner)
}

// decodeRow decodes bf16 and pads with zeros to whole steps.
func decodeRow(to []number, row []byte) []number {
	to = to[:0]
	for ; len(row) > 0; row = row[2:] {
		to = append(to, decode(binary.LittleEndian.Uint16(row)))
	}
	for len(to)%Step != 0 {
		to = append(to, number{exponent: none})
	}
	return to
}
