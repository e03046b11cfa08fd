package cuda

import (
	"context"
	"encoding/binary"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	driver "github.com/hachi-serve/hachi/internal/cuda"
	"github.com/hachi-serve/hachi/internal/model"
)

// denseLayer is the weights of a layer on the device. Pointers are 0 for what the model
// does not have.
type denseLayer struct {
	input, post, qNorm, kNorm, gate driver.Pointer // vectors of f32; bf16 [experts, hidden]
	qkv, o                          matrix
	up, down                        matrix // of a layer without experts
}

// denseLoader copies the weights of Dense.
type denseLoader struct {
	*loader
	closes []driver.Closer
}

// alloc is device memory until the Dense is closed.
func (l *denseLoader) alloc(n int) (*driver.Buffer, error) {
	b, err := l.v.Alloc(n)
	if err == nil {
		l.closes = append(l.closes, b.Free)
	}
	return b, err
}

// send copies bytes to memory of their own.
func (l *denseLoader) send(ctx context.Context, data []byte) (driver.Pointer, error) {
	b, err := l.alloc(len(data))
	if err != nil {
		return 0, err
	}
	for from := 0; from < len(data); {
		pinned, err := l.next(ctx)
		if err != nil {
			return 0, err
		}
		n := copy(pinned, data[from:])
		if err := l.loader.send(b.Pointer+driver.Pointer(from), n); err != nil {
			return 0, err
		}
		from += n
	}
	return b.Pointer, nil
}

// vector copies a vector as f32, padded with zeros to n elements; 0 for none.
func (l *denseLoader) vector(ctx context.Context, w tensor.Weight, n int) (driver.Pointer, error) {
	if w.Rows == 0 {
		return 0, nil
	}
	v := make([]float32, n)
	tensor.Decode(v[:w.Cols], w.Data, w.DType)
	data := make([]byte, 4*n)
	tensor.Encode(data, v, tensor.F32)
	return l.send(ctx, data)
}

// rows copies a bf16 matrix, its rows padded with zeros to columns; 0 for none.
func (l *denseLoader) rows(ctx context.Context, w tensor.Weight, columns int) (driver.Pointer, error) {
	if w.Rows == 0 {
		return 0, nil
	}
	data := make([]byte, 2*w.Rows*columns)
	for i := range w.Rows {
		copy(data[2*i*columns:], w.Data[2*i*w.Cols:2*(i+1)*w.Cols])
	}
	return l.send(ctx, data)
}

// image copies the rows of an image of outputs, each of columns.
func (l *denseLoader) image(ctx context.Context, rows stripRows, strips, outputs, columns int) (matrix, error) {
	m := matrix{columns: columns, outputs: outputs}
	var err error
	if m.memory, err = l.alloc(matrixBytes(tensor.BF16, 16*strips, columns)); err != nil {
		return m, err
	}
	table := make([]byte, 8*maxRows/minTile)
	for at := 0; at < len(table); at += 8 {
		binary.LittleEndian.PutUint64(table[at:], uint64(m.memory.Pointer))
	}
	if m.table, err = l.send(ctx, table); err != nil {
		return m, err
	}
	if l.v.kernels.wgmma() {
		return m, l.sendTiles(ctx, m.memory.Pointer, strips, columns, rows)
	}
	return m, l.sendStrips(ctx, m.memory.Pointer, strips, columns, rows)
}

// stack is the image of matrices one above the other.
func (l *denseLoader) stack(ctx context.Context, all ...tensor.Weight) (matrix, error) {
	rows := 0
	for _, w := range all {
		rows += w.Rows
	}
	outputs := padded(rows)
	return l.image(ctx, stacked(all...), outputs/16, outputs, padded(all[0].Cols))
}

// layer copies the weights of a layer.
func (l *denseLoader) layer(ctx context.Context, cfg model.Config, w model.LayerWeights, dense bool) (out denseLayer, err error) {
	hidden := padded(cfg.Hidden)
	for _, v := range []struct {
		to *driver.Pointer
		w  tensor.Weight
		n  int
	}{{&out.input, w.InputNorm, hidden}, {&out.post, w.PostNorm, hidden}, {&out.qNorm, w.QNorm, cfg.HeadDim}, {&out.kNorm, w.KNorm, cfg.HeadDim}} {
		if *v.to, err = l.vector(ctx, v.w, v.n); err != nil {
			return out, err
		}
	}
	if out.qkv, err = l.stack(ctx, w.Q, w.K, w.V); err != nil {
		return out, err
	}
	if out.o, err = l.stack(ctx, w.O); err != nil {
		return out, err
	}
	if !dense {
		out.gate, err = l.rows(ctx, w.Gate, hidden)
		return out, err
	}
	inner := padded(cfg.DenseFFN)
	if out.up, err = l.image(ctx, alternating(w.Dense.W1, w.Dense.W3), inner/8, inner, hidden); err != nil {
		return out, err
	}
	out.down, err = l.stack(ctx, w.Dense.W2)
	return out, err
}
