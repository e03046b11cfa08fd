package cuda

import (
	"encoding/binary"
	"errors"

	driver "github.com/hachi-serve/hachi/internal/cuda"
)

// lane is what one call at a time computes with. Its memory has the bounds of a pass.
type lane struct {
	v     *device
	shape shape

	stream *driver.Stream
	done   *driver.Event
	in     *driver.Host   // tables of a pass, then its rows; on their way
	out    *driver.Host   // replies
	input  *driver.Buffer // in, on the device
	x      *driver.Buffer // rows in slots
	inner  *driver.Buffer // what w2 reads
	y      *driver.Buffer // replies in slots
	output *driver.Buffer // replies in order
	closes []driver.Closer
}

// tableBytes bounds the tables of a pass: two addresses a row tile, and the numbers of
// slots and replies.
const tableBytes = maxTiles*16 + maxSlots*4 + maxRows*4 + 64

func newLane(v *device, s shape) (*lane, error) {
	l := &lane{v: v, shape: s}
	if err := l.open(); err != nil {
		return nil, v.closing(err, l.closes)
	}
	return l, nil
}

func (l *lane) open() (err error) {
	if l.stream, err = l.v.NewStream(); err != nil {
		return err
	}
	l.closes = append(l.closes, l.stream.Close)
	if l.done, err = l.v.NewEvent(); err != nil {
		return err
	}
	l.closes = append(l.closes, l.done.Close)
	row := l.shape.rowBytes()
	for to, n := range map[**driver.Host]int{&l.in: tableBytes + maxRows*row, &l.out: maxRows * row} {
		if *to, err = l.v.AllocHost(n); err != nil {
			return err
		}
		l.closes = append(l.closes, (*to).Free)
	}
	for to, n := range map[**driver.Buffer]int{&l.input: tableBytes + maxRows*row, &l.x: maxSlots * row,
		&l.inner: maxSlots * 2 * l.shape.ffn, &l.y: maxSlots * row, &l.output: maxRows * row} {
		if *to, err = l.v.Alloc(n); err != nil {
			return err
		}
		l.closes = append(l.closes, (*to).Free)
	}
	return nil
}

func (l *lane) close() error { return driver.CloseAll(l.closes) }

// tables are where a pass finds its tables on the device.
type tables struct{ up, down, slots, replies, rows driver.Pointer }

// run computes a pass for the rows of a call in x, of size bytes each, and writes the
// replies to y. The device copies what lies in memory that it lent, unless rows are
// padded or too many.
func (l *lane) run(p pass, x, y []byte, size int) error {
	row := l.shape.rowBytes()
	if size == row && len(x) <= maxRows*row && l.v.pinned.holds(x) {
		p.take(len(x) / row)
		at, n := l.fill(p)
		if err := errors.Join(l.stream.Upload(l.input.Pointer, l.in.Bytes[:n]), l.stream.Upload(at.rows, x)); err != nil {
			return err
		}
		return l.finish(p, at, y, size)
	}
	at, n := l.fill(p)
	for i, r := range p.rows {
		to := l.in.Bytes[n+i*row : n+(i+1)*row]
		clear(to[copy(to, x[int(r)*size:(int(r)+1)*size]):])
	}
	if err := l.stream.Upload(l.input.Pointer, l.in.Bytes[:n+len(p.rows)*row]); err != nil {
		return err
	}
	return l.finish(p, at, y, size)
}

// finish computes a pass whose rows are on their way, and waits for the replies.
func (l *lane) finish(p pass, at tables, y []byte, size int) error {
	if err := l.compute(p, at); err != nil {
		return err
	}
	row := l.shape.rowBytes()
	replies, direct := l.out.Bytes[:len(p.replies)*row], size == row && l.v.pinned.holds(y)
	if direct {
		replies = y
	}
	if err := l.stream.Download(replies, l.output.Pointer); err != nil {
		return err
	}
	if err := l.v.await(l.stream, l.done); err != nil || direct {
		return err
	}
	for i := range p.replies {
		copy(y[i*size:(i+1)*size], replies[i*row:])
	}
	return nil
}

// fill writes the tables of a pass to pinned memory, and returns where the device finds
// them and where the rows follow: at.rows, n bytes from the beginning.
func (l *lane) fill(p pass) (at tables, n int) {
	b := l.in.Bytes
	next := func(bytes int) driver.Pointer {
		was := n
		n = (n + bytes + 15) &^ 15
		return l.input.Pointer + driver.Pointer(was)
	}
	put64 := func(i int, v driver.Pointer) { binary.LittleEndian.PutUint64(b[n+8*i:], uint64(v)) }
	for i, m := range p.images {
		put64(i, m.memory.Pointer)
	}
	at.up = next(8 * len(p.images))
	for i, m := range p.images {
		put64(i, m.down)
	}
	at.down = next(8 * len(p.images))
	for i, v := range p.slots {
		binary.LittleEndian.PutUint32(b[n+4*i:], uint32(v))
	}
	at.slots = next(4 * len(p.slots))
	for i, v := range p.replies {
		binary.LittleEndian.PutUint32(b[n+4*i:], uint32(v))
	}
	at.replies = next(4 * len(p.replies))
	at.rows = l.input.Pointer + driver.Pointer(n)
	return at, n
}

// compute queues a pass: rows into slots, both products, replies in order.
func (l *lane) compute(p pass, at tables) error {
	k, slots := l.v.kernels, len(p.slots)
	up := operands{weights: at.up, in: l.x.Pointer, out: l.inner.Pointer, slots: slots, tile: p.tile, k: l.shape.hidden, outputs: l.shape.ffn}
	down := operands{weights: at.down, in: l.inner.Pointer, out: l.y.Pointer, slots: slots, tile: p.tile, k: l.shape.ffn, outputs: l.shape.hidden}
	into := k.frags
	if k.wgmma() {
		into = k.gather
	}
	if err := k.runGather(l.stream, into, l.x.Pointer, at.rows, at.slots, slots, l.shape.hidden); err != nil {
		return err
	}
	if err := k.runProduct(l.v.Device, l.stream, upProduct, p.format, up); err != nil {
		return err
	}
	if err := k.runProduct(l.v.Device, l.stream, downProduct, p.format, down); err != nil {
		return err
	}
	return k.runGather(l.stream, k.gather, l.output.Pointer, l.y.Pointer, at.replies, len(p.replies), l.shape.hidden)
}
