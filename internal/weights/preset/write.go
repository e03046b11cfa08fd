package preset

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/internal/weights/staging"
)

// Options say what WriteModel makes.
type Options struct {
	Config model.Config // complete and valid, with a DType
	Seed   int64
	// Outliers gives weights heavy tails and channels of very different sizes.
	Outliers bool
	// ShardBytes is the size at which a new file begins; 0 is 2 GB.
	ShardBytes int64
	// Progress, which may be nil, gets the bytes done and in total, one call at
	// a time.
	Progress func(done, total int64)
}

const defaultShardBytes = 2_000_000_000

// chunkBytes is one piece of work: large enough to write well, small enough to
// share out and to stop soon.
const chunkBytes = 4 << 20

// WriteModel makes a seeded random checkpoint of any shape in dir, which must
// not exist or be empty. It is written elsewhere and renamed, config.json last,
// so dir is never taken for a checkpoint while half made; when ctx ends first,
// nothing is left behind.
func WriteModel(ctx context.Context, dir string, o Options) (err error) {
	if err := o.validate(); err != nil {
		return fmt.Errorf("preset: %w", err)
	}
	work, err := staging.New(dir)
	if err != nil {
		return fmt.Errorf("preset: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, work.Discard())
		}
	}()
	shards := plan(o)
	if err := writeSideFiles(work, o.Config, shards); err != nil {
		return fmt.Errorf("preset: %w", err)
	}
	if err := writeShards(ctx, work, o, shards); err != nil {
		return fmt.Errorf("preset: %w", err)
	}
	if err := work.Publish(); err != nil {
		return fmt.Errorf("preset: %w", err)
	}
	return nil
}

func (o *Options) validate() error {
	if o.ShardBytes == 0 {
		o.ShardBytes = defaultShardBytes
	}
	faults := []error{o.Config.Validate()}
	if o.Config.DType == tensor.Invalid || o.Config.DType.Quantized() {
		faults = append(faults, errors.New("weights need an element type: f32, f16 or bf16"))
	}
	if o.ShardBytes < 0 {
		faults = append(faults, fmt.Errorf("shards of %d bytes, expected a positive size", o.ShardBytes))
	}
	return errors.Join(faults...)
}

// writeShards makes all weights, in chunks, on all cores.
func writeShards(ctx context.Context, dir *staging.Dir, o Options, shards []shard) error {
	var total int64
	for _, s := range shards {
		total += s.dataBytes
	}
	var mu sync.Mutex
	var done int64
	w := chunkWriter{buffers: sync.Pool{New: func() any { return new([chunkBytes]byte) }}, advance: func(n int64) {
		mu.Lock()
		defer mu.Unlock()
		if done += n; o.Progress != nil {
			o.Progress(done, total)
		}
	}}
	for _, s := range shards {
		if err := w.writeShard(ctx, dir.Path(s.name), s, o); err != nil {
			return err
		}
	}
	return nil
}

type chunkWriter struct {
	buffers sync.Pool // of *[chunkBytes]byte
	advance func(bytes int64)
}

func (w *chunkWriter) writeShard(ctx context.Context, path string, s shard, o Options) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = f.Write(s.header)
	if err == nil {
		err = w.writeChunks(ctx, f, s.chunks(o))
	}
	return errors.Join(err, f.Close())
}

func (w *chunkWriter) writeChunks(ctx context.Context, f io.WriterAt, chunks []chunk) error {
	group, running := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for _, c := range chunks {
		if running.Err() != nil {
			break
		}
		group.Go(func() error {
			b := w.buffers.Get().(*[chunkBytes]byte)
			defer w.buffers.Put(b)
			c.gen.fill(b[:c.bytes], c.first)
			_, err := f.WriteAt(b[:c.bytes], c.offset)
			w.advance(c.bytes)
			return err
		})
	}
	return errors.Join(group.Wait(), ctx.Err())
}
