package cuda

import (
	"context"
	"sync"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	driver "github.com/hachi-serve/hachi/internal/cuda"
	"github.com/hachi-serve/hachi/internal/model"
)

// chunk is how many bytes of weights are on their way at once; two such pieces of
// pinned memory take turns. It holds a strip of 16 rows of any model.
const chunk = 8 << 20

// loader writes images. It loads one expert at a time.
type loader struct {
	v       *device
	shape   shape
	threads int

	mu      sync.Mutex // guards all below
	stream  *driver.Stream
	pinned  [2]*driver.Host
	free    [2]*driver.Event // pinned may be written again
	used    [2]bool
	turn    int
	room    int            // bytes of staging
	staging *driver.Buffer // matrices in rows, for tile; nil without wgmma
	closes  []driver.Closer
}

// newLoader makes a loader that stages at most room bytes of rows on the device.
func newLoader(v *device, s shape, room int) (*loader, error) {
	l := &loader{v: v, shape: s, room: room, threads: max(1, v.options.Threads)}
	if err := l.open(); err != nil {
		return nil, v.closing(err, l.closes)
	}
	return l, nil
}

func (l *loader) open() (err error) {
	if l.stream, err = l.v.NewStream(); err != nil {
		return err
	}
	l.closes = append(l.closes, l.stream.Close)
	for i := range l.pinned {
		if l.pinned[i], err = l.v.AllocHost(chunk); err != nil {
			return err
		}
		l.closes = append(l.closes, l.pinned[i].Free)
		if l.free[i], err = l.v.NewEvent(); err != nil {
			return err
		}
		l.closes = append(l.closes, l.free[i].Close)
	}
	if !l.v.kernels.wgmma() {
		return nil
	}
	if l.staging, err = l.v.Alloc(l.room); err != nil {
		return err
	}
	l.closes = append(l.closes, l.staging.Free)
	return nil
}

func (l *loader) close() error { return driver.CloseAll(l.closes) }

// load writes an expert's image. When it returns, the device has read the weights.
func (l *loader) load(ctx context.Context, w model.ExpertWeights) (*image, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	w, converted, err := toDevice(w, l.threads)
	if err != nil {
		return nil, err
	}
	defer converted.Close()
	format := w.W1.DType
	memory, err := l.v.Alloc(l.shape.upBytes(format) + l.shape.downBytes(format))
	if err != nil {
		return nil, err
	}
	m := &image{format: format, memory: memory, down: memory.Pointer + driver.Pointer(l.shape.upBytes(format))}
	write := l.writeFragments
	if l.v.kernels.wgmma() && format == tensor.BF16 {
		write = l.writeTiles
	}
	if err := write(ctx, m, w); err != nil {
		return nil, l.v.closing(err, []driver.Closer{memory.Free})
	}
	if err := l.v.await(l.stream, l.free[l.turn]); err != nil {
		return nil, err
	}
	l.used = [2]bool{}
	return m, nil
}

// next is the pinned memory to write to, once the device has read what was in it.
func (l *loader) next(ctx context.Context) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if l.used[l.turn] {
		if err := l.v.awaitEvent(l.free[l.turn]); err != nil {
			return nil, err
		}
	}
	return l.pinned[l.turn].Bytes, nil
}

// send queues the first n bytes of the pinned memory, and takes the other piece next.
func (l *loader) send(to driver.Pointer, n int) error {
	if err := l.stream.Upload(to, l.pinned[l.turn].Bytes[:n]); err != nil {
		return err
	}
	if err := l.stream.Record(l.free[l.turn]); err != nil {
		return err
	}
	l.used[l.turn] = true
	l.turn = 1 - l.turn
	return nil
}

// writeTiles uploads the matrices in rows, and lets the device write the image.
func (l *loader) writeTiles(ctx context.Context, m *image, w model.ExpertWeights) error {
	matrix := driver.Pointer(2 * l.shape.hidden * l.shape.ffn)
	first, second, third := l.staging.Pointer, l.staging.Pointer+matrix, l.staging.Pointer+2*matrix
	for _, part := range []struct {
		w             tensor.Weight
		to            driver.Pointer
		rows, columns int
	}{{w.W1, first, l.shape.ffn, l.shape.hidden}, {w.W3, second, l.shape.ffn, l.shape.hidden}, {w.W2, third, l.shape.hidden, l.shape.ffn}} {
		if err := l.sendRows(ctx, part.to, part.w, part.rows, part.columns); err != nil {
			return err
		}
	}
	if err := l.v.kernels.runTile(l.stream, m.memory.Pointer, first, second, l.shape.ffn, l.shape.hidden); err != nil {
		return err
	}
	return l.v.kernels.runTile(l.stream, m.down, third, 0, l.shape.hidden, l.shape.ffn)
}

// sendRows uploads a bf16 matrix, padded with zeros to [rows, columns].
func (l *loader) sendRows(ctx context.Context, to driver.Pointer, w tensor.Weight, rows, columns int) error {
	row, own := 2*columns, 2*w.Cols
	for from := 0; from < rows; {
		b, err := l.next(ctx)
		if err != nil {
			return err
		}
		n := min(len(b)/row, rows-from)
		for i := range n {
			padded := b[i*row : (i+1)*row]
			copied := 0
			if r := from + i; r < w.Rows {
				copied = copy(padded, w.Data[r*own:(r+1)*own])
			}
			clear(padded[copied:])
		}
		if err := l.send(to+driver.Pointer(from*row), n*row); err != nil {
			return err
		}
		from += n
	}
	return nil
}

// sendTiles uploads the rows of an image, and lets the device write it.
func (l *loader) sendTiles(ctx context.Context, to driver.Pointer, strips, columns int, rows stripRows) error {
	row := 2 * columns
	for from := 0; from < strips; {
		b, err := l.next(ctx)
		if err != nil {
			return err
		}
		n := min(len(b), l.room) / (64 * row) * 4 // whole blocks of 64 rows
		n = min(n, strips-from)
		for i := range 16 * n {
			w, r := rows.row(from+i/16, i%16)
			padded := b[i*row : (i+1)*row]
			copied := 0
			if r < w.Rows {
				copied = copy(padded, w.Data[2*r*w.Cols:2*(r+1)*w.Cols])
			}
			clear(padded[copied:])
		}
		if err := l.send(l.staging.Pointer, 16*n*row); err != nil {
			return err
		}
		if err := l.v.kernels.runTile(l.stream, to+driver.Pointer(16*from*row), l.staging.Pointer, 0, 16*n, columns); err != nil {
			return err
		}
		from += n
	}
	return nil
}

// writeFragments arranges the weights here, and uploads the image.
func (l *loader) writeFragments(ctx context.Context, m *image, w model.ExpertWeights) error {
	if err := l.sendStrips(ctx, m.memory.Pointer, l.shape.ffn/8, l.shape.hidden, alternating(w.W1, w.W3)); err != nil {
		return err
	}
	return l.sendStrips(ctx, m.down, l.shape.hidden/16, l.shape.ffn, stacked(w.W2))
}

// sendStrips uploads strips of 16 rows, which several goroutines write.
func (l *loader) sendStrips(ctx context.Context, to driver.Pointer, strips, columns int, rows stripRows) error {
	size := matrixBytes(rows.format, 16, columns)
	for from := 0; from < strips; {
		b, err := l.next(ctx)
		if err != nil {
			return err
		}
		n := min(len(b)/size, strips-from)
		var all sync.WaitGroup
		for worker := range min(l.threads, n) {
			all.Go(func() {
				for i := worker; i < n; i += l.threads {
					writeStrip(b[i*size:(i+1)*size], rows, from+i, columns)
				}
			})
		}
		all.Wait()
		if err := l.send(to+driver.Pointer(from*size), n*size); err != nil {
			return err
		}
		from += n
	}
	return nil
}
