package cuda

import (
	"unsafe"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	driver "github.com/hachi-serve/hachi/internal/cuda"
)

const (
	// partialBytes bounds the partial results of attention, at least one row's aside.
	partialBytes = 128 << 20
	// maxPages bounds the page numbers of a pass, at least one sequence's aside.
	maxPages = 1 << 17
	// maxOutputs is how many rows get logits at once.
	maxOutputs = 64
)

// denseLane is what Dense computes with, one call at a time.
type denseLane struct {
	d       *dense
	stream  *driver.Stream
	done    *driver.Event
	in, out *driver.Host // what goes to the device; what comes back
	closes  []driver.Closer

	input               *driver.Buffer // in, on the device
	normed, attended, h *driver.Buffer // bf16 rows that a product reads; h are rows, whatever the product reads
	qkv, sums           *driver.Buffer // f32 rows that a product writes
	q                   *driver.Buffer
	partials, stats     *driver.Buffer
	gate                *driver.Buffer
	inner               *driver.Buffer // of layers without experts
	logitSums           *driver.Buffer
}

// slotBytes is the partial results of a row and a tile.
func (d *dense) slotBytes() int { return d.cfg.Heads * (d.width + 2) * 4 }

func (d *dense) maxSlots() int {
	return max(partialBytes/d.slotBytes(), d.cfg.MaxContext/tilePositions+1)
}

// inputBytes bounds what a call uploads: tables, angles, and rows of f32.
func (d *dense) inputBytes() int {
	tables := 12*(maxRows+d.limits.slots) + 4*d.limits.pages
	return tables + maxRows*4*(d.cfg.HeadDim+padded(d.cfg.Hidden)) + 16*8
}

// outputBytes bounds what comes back: rows of f32 and bf16 with gate logits, or logits.
func (d *dense) outputBytes() int {
	return max(maxRows*(6*padded(d.cfg.Hidden)+4*d.cfg.Experts), maxOutputs*4*padded(d.cfg.Vocab)) + 16*4
}

func newDenseLane(d *dense) (*denseLane, error) {
	l := &denseLane{d: d}
	if err := l.open(); err != nil {
		return nil, d.v.closing(err, l.closes)
	}
	return l, nil
}

func (l *denseLane) open() (err error) {
	d, v := l.d, l.d.v
	if l.stream, err = v.NewStream(); err != nil {
		return err
	}
	l.closes = append(l.closes, l.stream.Close)
	if l.done, err = v.NewEvent(); err != nil {
		return err
	}
	l.closes = append(l.closes, l.done.Close)
	for to, n := range map[**driver.Host]int{&l.in: d.inputBytes(), &l.out: d.outputBytes()} {
		if *to, err = v.AllocHost(n); err != nil {
			return err
		}
		l.closes = append(l.closes, (*to).Free)
	}
	c, hidden, heads := d.cfg, padded(d.cfg.Hidden), padded(d.cfg.Heads*d.cfg.HeadDim)
	sizes := map[**driver.Buffer]int{
		&l.input: d.inputBytes(), &l.normed: maxRows * 2 * hidden, &l.attended: maxRows * 2 * heads, &l.h: maxRows * 2 * hidden,
		&l.qkv: maxRows * 4 * padded((c.Heads+2*c.KVHeads)*c.HeadDim), &l.sums: maxRows * 4 * hidden,
		&l.q: maxRows * 2 * c.Heads * d.width, &l.partials: d.limits.slots * c.Heads * d.width * 4, &l.stats: d.limits.slots * c.Heads * 8,
		&l.gate: maxRows * 4 * max(1, c.Experts), &l.logitSums: maxOutputs * 4 * padded(c.Vocab),
	}
	if len(c.DenseLayers) > 0 {
		sizes[&l.inner] = maxRows * 2 * padded(c.DenseFFN)
	}
	for to, n := range sizes {
		if *to, err = v.Alloc(n); err != nil {
			return err
		}
		l.closes = append(l.closes, (*to).Free)
	}
	return nil
}

func (l *denseLane) close() error { return driver.CloseAll(l.closes) }

// fragments is 1 where products read the order of portable.cu.
func (l *denseLane) fragments() int32 {
	if l.d.v.kernels.wgmma() {
		return 0
	}
	return 1
}

// slotsOf is n rows padded to whole row tiles.
func (l *denseLane) slotsOf(n int) (slots, tile int) {
	tile = tileFor(n, l.d.v.kernels.maxTile(tensor.BF16))
	return (n + tile - 1) / tile * tile, tile
}

// product queues a product of n rows.
func (l *denseLane) product(product string, m matrix, in, out *driver.Buffer, n int) error {
	slots, tile := l.slotsOf(n)
	return l.d.v.kernels.runMatrix(l.d.v.Device, l.stream, product, m, in.Pointer, out.Pointer, slots, tile)
}

// normRows queues out = the norm of x, which is rows of f32, after add is added to it.
func (l *denseLane) normRows(x, add, gain driver.Pointer, out *driver.Buffer, n int, fragments int32) error {
	p := &normParams{x: x, add: add, gain: gain, out: out.Pointer, eps: float32(l.d.cfg.NormEps), count: int32(n),
		width: int32(l.d.cfg.Hidden), columns: int32(padded(l.d.cfg.Hidden)), fragments: fragments}
	return l.d.v.kernels.runWarps(l.stream, normKernel, p.count, unsafe.Pointer(p))
}

// await waits for what is queued.
func (l *denseLane) await() error { return l.d.v.await(l.stream, l.done) }

// feedForward adds a layer without experts to x for rows h, which are bf16 already.
func (l *denseLane) feedForward(layer int, h, x tensor.Matrix) error {
	hidden, n, f := padded(l.d.cfg.Hidden), h.Rows, l.filling()
	rows, at := f.next(2 * n * hidden)
	for i := range n {
		row := rows[2*i*hidden : 2*(i+1)*hidden]
		tensor.Encode(row, h.Row(i), tensor.BF16)
		clear(row[2*h.Cols:])
	}
	slots, _ := l.slotsOf(n)
	index := f.numbers(slots, func(i int) int32 {
		if i < n {
			return int32(i)
		}
		return -1
	})
	if err := l.send(f); err != nil {
		return err
	}
	k, w := l.d.v.kernels, &l.d.layers[layer]
	gather := k.gather
	if l.fragments() == 1 {
		gather = k.frags
	}
	if err := k.runGather(l.stream, gather, l.normed.Pointer, at, index, slots, hidden); err != nil {
		return err
	}
	if err := l.product(upProduct, w.up, l.normed, l.inner, n); err != nil {
		return err
	}
	if err := l.product(wideProduct, w.down, l.inner, l.sums, n); err != nil {
		return err
	}
	r := reading{l: l}
	sums, err := r.next(l.sums.Pointer, 4*n*hidden)
	if err != nil {
		return err
	}
	if err := l.await(); err != nil {
		return err
	}
	added := make([]float32, x.Cols)
	for i := range n {
		tensor.Decode(added, sums[4*i*hidden:4*(i*hidden+x.Cols)], tensor.F32)
		for j, v := range added {
			x.Row(i)[j] += v
		}
	}
	return nil
}

// logits computes those of some rows of x.
func (l *denseLane) logits(outputs []int32, x, logits tensor.Matrix) error {
	hidden, n, f := padded(l.d.cfg.Hidden), len(outputs), l.filling()
	rows := tensor.NewMatrix(n, x.Cols)
	for i, row := range outputs {
		copy(rows.Row(i), x.Row(int(row)))
	}
	at := f.matrix(rows, hidden)
	if err := l.send(f); err != nil {
		return err
	}
	if err := l.normRows(at, 0, l.d.norm, l.normed, n, l.fragments()); err != nil {
		return err
	}
	if err := l.product(wideProduct, l.d.head, l.normed, l.logitSums, n); err != nil {
		return err
	}
	columns, r := l.d.head.outputs, reading{l: l}
	sums, err := r.next(l.logitSums.Pointer, 4*n*columns)
	if err != nil {
		return err
	}
	if err := l.await(); err != nil {
		return err
	}
	for i := range n {
		tensor.Decode(logits.Row(i), sums[4*i*columns:4*(i*columns+logits.Cols)], tensor.F32)
	}
	return nil
}
