package cuda

import (
	"math"
	"unsafe"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	driver "github.com/hachi-serve/hachi/internal/cuda"
)

// attention is rows of one layer on their way through attention.
type attention struct {
	layer      int
	pass       densePass
	x, h, gate tensor.Matrix // gate has no rows in a layer without experts
}

// attentionTables are where a pass finds its tables on the device.
type attentionTables struct{ rows, units, pages, angles, x driver.Pointer }

// attend takes rows of x through attention, the norm behind it and the gate.
func (l *denseLane) attend(a attention) error {
	at, err := l.fillAttention(a)
	if err != nil {
		return err
	}
	n, k, w := a.pass.rows, l.d.v.kernels, &l.d.layers[a.layer]
	if err := l.normRows(at.x, 0, w.input, l.normed, n, l.fragments()); err != nil {
		return err
	}
	if err := l.product(wideProduct, w.qkv, l.normed, l.qkv, n); err != nil {
		return err
	}
	if err := l.queueAttention(a, at); err != nil {
		return err
	}
	if err := l.product(wideProduct, w.o, l.attended, l.sums, n); err != nil {
		return err
	}
	if err := l.normRows(at.x, l.sums.Pointer, w.post, l.h, n, 0); err != nil {
		return err
	}
	if a.gate.Rows > 0 {
		p := &gateParams{h: l.h.Pointer, weights: w.gate, out: l.gate.Pointer, count: int32(n * a.gate.Cols), experts: int32(a.gate.Cols), columns: int32(padded(l.d.cfg.Hidden))}
		if err := k.runWarps(l.stream, gateKernel, p.count, unsafe.Pointer(p)); err != nil {
			return err
		}
	}
	return l.readAttention(a, at)
}

// fillAttention uploads the tables and rows of a pass.
func (l *denseLane) fillAttention(a attention) (at attentionTables, err error) {
	p, f, dim := a.pass, l.filling(), l.d.cfg.HeadDim
	at.rows = f.numbers(3*p.rows, func(i int) int32 {
		r := p.places[i/3]
		return [3]int32{r.position, r.table, r.slot}[i%3]
	})
	at.units = f.numbers(3*len(p.units), func(i int) int32 {
		u := p.units[i/3]
		return [3]int32{u.row, u.rows, u.tile}[i%3]
	})
	at.pages = f.numbers(len(p.pages), func(i int) int32 { return p.pages[i] })
	angles := tensor.NewMatrix(p.rows, dim)
	for i, r := range p.places {
		row := angles.Row(i)
		l.d.rotary.Angles(row[:dim/2], row[dim/2:], int(r.position))
	}
	at.angles = f.matrix(angles, dim)
	at.x = f.matrix(a.x, padded(l.d.cfg.Hidden))
	return at, l.send(f)
}

// queueAttention queues what is between the products: heads to their places, tiles, and
// their sums.
func (l *denseLane) queueAttention(a attention, at attentionTables) error {
	d, c, k, n := l.d, l.d.cfg, l.d.v.kernels, a.pass.rows
	w, cache, format := &d.layers[a.layer], d.kvPointer(a.layer), d.numerics.KV
	place := &placeParams{qkv: l.qkv.Pointer, angles: at.angles, qGain: w.qNorm, kGain: w.kNorm, rows: at.rows, pages: at.pages, q: l.q.Pointer, cache: cache,
		eps: float32(c.NormEps), count: int32(n * (c.Heads + 2*c.KVHeads)), outputs: int32(w.qkv.outputs), heads: int32(c.Heads), kvHeads: int32(c.KVHeads),
		dim: int32(c.HeadDim), width: int32(d.width)}
	if err := k.runWarps(l.stream, placeName(format, d.width), place.count, unsafe.Pointer(place)); err != nil {
		return err
	}
	slices := (d.limits.group + queries - 1) / queries
	attend := &attendParams{q: l.q.Pointer, cache: cache, rows: at.rows, units: at.units, pages: at.pages, sums: l.partials.Pointer, stats: l.stats.Pointer,
		scale: scoreScale(c.HeadDim), count: int32(len(a.pass.units) * c.KVHeads * slices), heads: int32(c.Heads), kvHeads: int32(c.KVHeads), window: int32(c.SlidingWindow)}
	if err := k.runWarps(l.stream, attendName(format, d.width), attend.count, unsafe.Pointer(attend)); err != nil {
		return err
	}
	combine := &combineParams{sums: l.partials.Pointer, stats: l.stats.Pointer, rows: at.rows, out: l.attended.Pointer, count: int32(n * (c.Heads + 1)),
		heads: int32(c.Heads), dim: int32(c.HeadDim), width: int32(d.width), columns: int32(w.o.columns), window: int32(c.SlidingWindow), fragments: l.fragments()}
	return k.runWarps(l.stream, combineKernel, combine.count, unsafe.Pointer(combine))
}

// readAttention waits for the rows of a pass.
func (l *denseLane) readAttention(a attention, at attentionTables) error {
	hidden, r, n := padded(l.d.cfg.Hidden), reading{l: l}, a.pass.rows
	x, err := r.next(at.x, 4*n*hidden)
	if err != nil {
		return err
	}
	h, err := r.next(l.h.Pointer, 2*n*hidden)
	if err != nil {
		return err
	}
	var gate []byte
	if a.gate.Rows > 0 {
		if gate, err = r.next(l.gate.Pointer, 4*n*a.gate.Cols); err != nil {
			return err
		}
	}
	if err := l.await(); err != nil {
		return err
	}
	for i := range n {
		tensor.Decode(a.x.Row(i), x[4*i*hidden:4*(i*hidden+a.x.Cols)], tensor.F32)
		tensor.Decode(a.h.Row(i), h[2*i*hidden:2*(i*hidden+a.h.Cols)], tensor.BF16)
	}
	for i := range a.gate.Rows {
		tensor.Decode(a.gate.Row(i), gate[4*i*a.gate.Cols:4*(i+1)*a.gate.Cols], tensor.F32)
	}
	return nil
}

// scoreScale is what scores are multiplied by.
func scoreScale(headDim int) float32 { return float32(1 / math.Sqrt(float64(headDim))) }
