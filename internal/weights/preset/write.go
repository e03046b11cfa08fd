package preset

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/model"
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
	if dir, err = filepath.Abs(dir); err != nil {
		return fmt.Errorf("preset: %w", err)
	}
	work, err := workDir(dir)
	if err != nil {
		return fmt.Errorf("preset: %w", err)
	}
	defer func() {
		if err != nil {
			os.RemoveAll(work)
		}
	}()
	shards := plan(o)
	if err := writeSideFiles(work, o.Config, shards); err != nil {
		return fmt.Errorf("preset: %w", err)
	}
	if err := writeShards(ctx, work, o, shards); err != nil {
		return fmt.Errorf("preset: %w", err)
	}
	if err := publish(work, dir); err != nil {
		return fmt.Errorf("preset: %w", err)
	}
	return nil
}

// publish makes the contents of work appear in dir.
func publish(work, dir string) error {
	if filepath.Dir(work) != dir {
		return errors.Join(os.Chmod(work, 0o755), os.Rename(work, dir))
	}
	entries, err := os.ReadDir(work)
	if err != nil {
		return err
	}
	const last = "config.json" // without it a directory is no checkpoint
	for _, e := range entries {
		if e.Name() != last {
			err = errors.Join(err, os.Rename(filepath.Join(work, e.Name()), filepath.Join(dir, e.Name())))
		}
	}
	if err == nil {
		err = os.Rename(filepath.Join(work, last), filepath.Join(dir, last))
	}
	return errors.Join(err, os.Remove(work))
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

// workDir makes the directory to write in: beside dir, or inside it when it
// exists, because it may be a mount point.
func workDir(dir string) (string, error) {
	entries, err := os.ReadDir(dir)
	if err == nil && len(entries) > 0 {
		return "", fmt.Errorf("%s is not empty (it holds %s): choose another directory", dir, entries[0].Name())
	}
	if err == nil {
		return os.MkdirTemp(dir, ".partial-*")
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	parent, name := filepath.Split(dir)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return "", err
	}
	return os.MkdirTemp(parent, "."+name+"-*")
}

// writeShards makes all weights, in chunks, on all cores.
func writeShards(ctx context.Context, dir string, o Options, shards []shard) error {
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
		if err := w.writeShard(ctx, filepath.Join(dir, s.name), s, o); err != nil {
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
