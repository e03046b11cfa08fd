package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/hachi-serve/hachi/internal/weights/checkpoint"
	"github.com/hachi-serve/hachi/internal/wholefile"
)

// Model is a model that is elsewhere: a checkpoint.Remote.
type Model struct {
	reader *reader
	cache  *Cache
	place  string

	fetched, cached atomic.Int64

	mu    sync.Mutex // guards infos
	infos map[string]Info
}

// NewModel joins the files of a model with a cache.
func NewModel(files Files, cache *Cache) *Model {
	m := &Model{cache: cache, place: files.String(), infos: map[string]Info{}}
	m.reader = newReader(files, func(n int) { m.fetched.Add(int64(n)) })
	return m
}

// String implements checkpoint.Remote.
func (m *Model) String() string { return m.place }

// Fetched is the number of bytes that came from the source.
func (m *Model) Fetched() int64 { return m.fetched.Load() }

// Cached is the number of bytes of tensors that came from the cache.
func (m *Model) Cached() int64 { return m.cached.Load() }

// Close implements checkpoint.Remote.
func (m *Model) Close() error {
	if c, ok := m.reader.files.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

// stat describes a file as it was when it was seen first.
func (m *Model) stat(ctx context.Context, name string) (Info, error) {
	m.mu.Lock()
	info, ok := m.infos[name]
	m.mu.Unlock()
	if ok {
		return info, nil
	}
	info, err := m.reader.stat(ctx, name)
	if err != nil {
		return info, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if first, ok := m.infos[name]; ok {
		return first, nil
	}
	m.infos[name] = info
	return info, nil
}

// Size implements checkpoint.Remote.
func (m *Model) Size(ctx context.Context, name string) (int64, error) {
	info, err := m.stat(ctx, name)
	return info.Size, err
}

// Small implements checkpoint.Remote.
func (m *Model) Small(ctx context.Context, name string, limit int64) ([]byte, error) {
	info, err := m.stat(ctx, name)
	if err != nil {
		return nil, err
	}
	if info.Size > limit {
		return nil, &Error{m.place, name, Malformed, fmt.Errorf("%d bytes, expected at most %d", info.Size, limit)}
	}
	return m.Ranges(ctx, name, []checkpoint.Range{{Bytes: info.Size}})
}

// Ranges implements checkpoint.Remote. The cache keeps what has a version.
func (m *Model) Ranges(ctx context.Context, name string, ranges []checkpoint.Range) ([]byte, error) {
	info, err := m.stat(ctx, name)
	if err != nil {
		return nil, err
	}
	read := func() ([]byte, error) { return m.readRanges(ctx, name, info, ranges) }
	if info.Version == "" {
		return read()
	}
	return m.cache.small(keyOf(m.place, name, info.Size, info.Version, ranges), read)
}

func (m *Model) readRanges(ctx context.Context, name string, info Info, ranges []checkpoint.Range) ([]byte, error) {
	total := int64(0)
	for _, r := range ranges {
		if r.At < 0 || r.Bytes < 0 || r.At+r.Bytes > info.Size {
			return nil, &Error{m.place, name, Malformed, fmt.Errorf("%d bytes at %d of a file of %d", r.Bytes, r.At, info.Size)}
		}
		total += r.Bytes
	}
	out := make([]byte, total)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(maxStreams)
	at := int64(0)
	for _, r := range ranges {
		dst := out[at : at+r.Bytes]
		at += r.Bytes
		g.Go(func() error { return m.reader.read(ctx, name, info, r.At, dst, nil) })
	}
	return out, g.Wait()
}

// ReadAt implements checkpoint.Remote.
func (m *Model) ReadAt(ctx context.Context, name string, dst []byte, at int64) error {
	info, err := m.stat(ctx, name)
	if err != nil {
		return err
	}
	return m.reader.read(ctx, name, info, at, dst, nil)
}

// Tensor implements checkpoint.Remote.
func (m *Model) Tensor(ctx context.Context, t checkpoint.RemoteTensor, dst []byte) error {
	key := keyOf(t.Key)
	if m.cache.load(key, t.Sum, dst) {
		m.cached.Add(int64(len(dst)))
		return nil
	}
	info, err := m.stat(ctx, t.File)
	if err != nil {
		return err
	}
	p, err := m.cache.openPartial(ctx, key, int64(len(dst)))
	if err != nil {
		return err
	}
	defer p.close()
	if m.cache.load(key, t.Sum, dst) { // another process has fetched it meanwhile
		m.cached.Add(int64(len(dst)))
		p.drop()
		return nil
	}
	return m.fetch(ctx, t, info, p, dst)
}

// fetch fills dst from the source, after what has arrived before. Without a hash to
// check it by, what had arrived is not trusted.
func (m *Model) fetch(ctx context.Context, t checkpoint.RemoteTensor, info Info, p *partial, dst []byte) error {
	from := 0
	if t.Sum == "" {
		p.truncate(0)
	} else {
		from = p.resume(dst)
	}
	for {
		if err := m.reader.read(ctx, t.File, info, t.At+int64(from), dst[from:], p.add); err != nil {
			return err
		}
		sum := sumOf(dst)
		if t.Sum == "" || sum == t.Sum {
			p.publish(keyOf(t.Key), sum)
			return nil
		}
		p.truncate(0)
		if again := m.blame(t, from, len(dst)); from == 0 && !again {
			p.drop()
			return &Error{m.place, t.File, Damaged, fmt.Errorf("%d bytes at %d: expected sha256 %s, found %s", len(dst), t.At, t.Sum, sum)}
		}
		from = 0
	}
}

// Suspect is what files are that come from several senders.
type Suspect interface {
	// Blame hears that a range of a file had wrong bytes, of which the first had arrived
	// earlier. It reports whether another try may bring other ones.
	Blame(name string, at, n, earlier int64) bool
}

func (m *Model) blame(t checkpoint.RemoteTensor, earlier, size int) bool {
	s, ok := m.reader.files.(Suspect)
	return ok && s.Blame(t.File, t.At, int64(size), int64(earlier))
}

// Kept implements checkpoint.Remote.
func (m *Model) Kept(t checkpoint.RemoteTensor, dst []byte, at int64) bool {
	f, err := os.Open(m.cache.entry(keyOf(t.Key), t.Sum))
	if err != nil {
		return false
	}
	defer f.Close()
	_, err = f.ReadAt(dst, at)
	return err == nil
}

// Stream opens a range of a file. The reader's errors are not tried again.
func (m *Model) Stream(ctx context.Context, name string, at, n int64) (io.ReadCloser, error) {
	info, err := m.stat(ctx, name)
	if err != nil {
		return nil, err
	}
	return m.reader.files.Open(ctx, name, info, at, n)
}

// textFiles are the files of a model that a process reads beside its weights.
var textFiles = []string{
	"config.json", "generation_config.json", "tokenizer.json", "tokenizer.model", "tokenizer_config.json", "special_tokens_map.json",
	"added_tokens.json", "chat_template.jinja",
}

// maxTextFile bounds each of them, in bytes.
const maxTextFile = 64 << 20

// TextDir fetches the text files of the model and returns a directory with them, and no
// others. Equal files make the same directory, which is never changed.
func (m *Model) TextDir(ctx context.Context) (string, error) {
	files := map[string][]byte{}
	var parts []any
	for _, name := range textFiles {
		data, err := m.Small(ctx, name, maxTextFile)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return "", err
		}
		files[name] = data
		parts = append(parts, name, sumOf(data))
	}
	dir := filepath.Join(m.cache.dir, modelsDir, keyOf(parts...))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("weights cache: %w", err)
	}
	for name, data := range files {
		path := filepath.Join(dir, name)
		if old, err := os.ReadFile(path); err == nil && sumOf(old) == sumOf(data) {
			continue
		}
		if err := wholefile.Write(path, data, 0o600); err != nil {
			return "", fmt.Errorf("weights cache: %w", err)
		}
	}
	return dir, nil
}

// TextFiles names them.
func TextFiles() []string { return slices.Clone(textFiles) }
