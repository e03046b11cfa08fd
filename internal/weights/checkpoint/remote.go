package checkpoint

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
)

// Remote holds the files of a checkpoint elsewhere: package source. Its errors name the
// place and the file. It is safe for concurrent use.
type Remote interface {
	// String names the place, without a secret.
	String() string
	// Small returns a whole file of at most limit bytes. The error of a file that is
	// absent is fs.ErrNotExist.
	Small(ctx context.Context, name string, limit int64) ([]byte, error)
	// Size is the size of a file in bytes. The error of a file that is absent is
	// fs.ErrNotExist.
	Size(ctx context.Context, name string) (int64, error)
	// Ranges returns the bytes of ranges of a file, one after another. It keeps them for
	// the next process.
	Ranges(ctx context.Context, name string, ranges []Range) ([]byte, error)
	// ReadAt fills dst with the bytes of a file at an offset.
	ReadAt(ctx context.Context, name string, dst []byte, at int64) error
	// Tensor fills dst with a tensor, whose hash must be its Sum.
	Tensor(ctx context.Context, t RemoteTensor, dst []byte) error
	// Kept fills dst with the bytes of a tensor at an offset, if they are on this machine.
	// Nothing is compared with the Sum.
	Kept(t RemoteTensor, dst []byte, at int64) bool
	// Close ends the connections.
	Close() error
}

// Range is a part of a file, in bytes.
type Range struct{ At, Bytes int64 }

// RemoteTensor says which tensor is meant and where it is.
type RemoteTensor struct {
	Key  string // the tensor, whatever file it is in: the digest of the checkpoint and its name
	File string
	At   int64  // offset in the file, in bytes
	Sum  string // SHA-256 of its bytes, lower-case hex; "" when no manifest says it
}

// maxHeaders bounds the headers of all files of a checkpoint that is elsewhere, in bytes.
const maxHeaders = 4 * maxHeader

// OpenRemote is Open for a checkpoint that is elsewhere. Weights come with LoadExpert and
// LoadDense only. It closes r if it fails, and otherwise Close does.
func OpenRemote(ctx context.Context, r Remote) (*Checkpoint, error) {
	c, err := openRemote(ctx, r)
	if err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return c, nil
}

func openRemote(ctx context.Context, r Remote) (*Checkpoint, error) {
	c := &Checkpoint{dir: r.String(), remote: r, tensors: map[string]located{}}
	data, err := r.Small(ctx, configFile, maxConfig)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, foreign(c.dir, "there is no "+configFile+": give the place of a model in the Hugging Face format")
	}
	if err != nil {
		return nil, c.unreadable(configFile, err)
	}
	if c.config, c.ignored, err = parseConfig(c.at(configFile), data); err != nil {
		return nil, err
	}
	c.configText = data
	if err := c.listRemote(ctx); err != nil {
		return nil, err
	}
	if err := c.arrange(); err != nil {
		return nil, err
	}
	pages, err := c.samples(ctx)
	if err != nil {
		return nil, err
	}
	if c.digest, err = c.computeDigest(func(t located) ([]byte, error) { return pages[t.Name], nil }); err != nil {
		return nil, err
	}
	return c, c.fetchManifest(ctx)
}

// at is the name of a file for errors.
func (c *Checkpoint) at(name string) string { return strings.TrimRight(c.dir, "/") + "/" + name }

func (c *Checkpoint) unreadable(name string, err error) error {
	return &Error{File: c.at(name), Fault: Unreadable, Err: err}
}

// listRemote reads the headers of all files and checks them against the index.
func (c *Checkpoint) listRemote(ctx context.Context) error {
	names, weightMap, err := c.remoteFiles(ctx)
	if err != nil {
		return err
	}
	c.files = make([]*file, len(names))
	g, ctx := errgroup.WithContext(ctx)
	for i, name := range names {
		g.Go(func() (err error) {
			c.files[i], err = c.remoteHeader(ctx, name, maxHeaders/int64(len(names)))
			return err
		})
	}
	if err := g.Wait(); err != nil || weightMap == nil {
		return err
	}
	return checkIndex(c.at(indexFile), c.files, weightMap)
}

// remoteFiles names the safetensors files, as listFiles does. A server may deny that
// a file is absent.
func (c *Checkpoint) remoteFiles(ctx context.Context) (names []string, weightMap map[string]string, err error) {
	_, errSingle := c.remote.Size(ctx, singleFile)
	if errSingle == nil {
		return []string{singleFile}, nil, nil
	}
	data, err := c.remote.Small(ctx, indexFile, maxIndex)
	if errors.Is(err, fs.ErrNotExist) && errors.Is(errSingle, fs.ErrNotExist) {
		return nil, nil, foreign(c.dir, "there is neither "+singleFile+" nor "+indexFile)
	}
	if err != nil {
		return nil, nil, c.unreadable(indexFile, errors.Join(err, errSingle))
	}
	if weightMap, err = parseIndex(data); err != nil {
		return nil, nil, &Error{File: c.at(indexFile), Fault: BadIndex, Err: err}
	}
	return filesOf(weightMap), weightMap, nil
}

// remoteHeader reads the header of a file, of at most limit bytes.
func (c *Checkpoint) remoteHeader(ctx context.Context, name string, limit int64) (*file, error) {
	size, err := c.remote.Size(ctx, name)
	if err != nil {
		return nil, c.unreadable(name, err)
	}
	f := &file{path: c.at(name), name: name, size: size}
	read := func(p []byte, at int64) (int, error) {
		if int64(len(p)) > limit {
			return 0, fmt.Errorf("a header of %d bytes, at most %d are read", len(p), limit)
		}
		data, err := c.remote.Ranges(ctx, name, []Range{{at, int64(len(p))}})
		return copy(p, data), err
	}
	f.entries, _, f.start, err = readHeader(f.path, readerAt(read), size)
	return f, err
}

type readerAt func(p []byte, at int64) (int, error)

// ReadAt implements io.ReaderAt.
func (r readerAt) ReadAt(p []byte, at int64) (int, error) { return r(p, at) }

// samples reads the sampled page of every tensor, by name.
func (c *Checkpoint) samples(ctx context.Context) (map[string][]byte, error) {
	byFile := map[*file][]located{}
	for _, t := range c.byName() {
		byFile[t.file] = append(byFile[t.file], t)
	}
	all := make([]map[string][]byte, len(c.files))
	g, ctx := errgroup.WithContext(ctx)
	for i, f := range c.files {
		g.Go(func() (err error) {
			all[i], err = c.samplesOf(ctx, f, byFile[f])
			return err
		})
	}
	err := g.Wait()
	pages := map[string][]byte{}
	for _, some := range all {
		maps.Copy(pages, some)
	}
	return pages, err
}

// pages are the samples of a checkpoint that is elsewhere, once they were asked for.
type pages struct {
	mu     sync.Mutex // guards the field below
	byName map[string][]byte
}

func (p *pages) get(ctx context.Context, read func(context.Context) (map[string][]byte, error)) (map[string][]byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.byName != nil {
		return p.byName, nil
	}
	all, err := read(ctx)
	if err == nil {
		p.byName = all
	}
	return all, err
}

func (c *Checkpoint) samplesOf(ctx context.Context, f *file, tensors []located) (map[string][]byte, error) {
	var ranges []Range
	for _, t := range tensors {
		at, n := sample(t.Name, t.bytes)
		ranges = append(ranges, Range{t.offset + at, n})
	}
	data, err := c.remote.Ranges(ctx, f.name, ranges)
	if err != nil {
		return nil, c.unreadable(f.name, err)
	}
	pages := map[string][]byte{}
	for i, t := range tensors {
		pages[t.Name], data = data[:ranges[i].Bytes], data[ranges[i].Bytes:]
	}
	return pages, nil
}

// fetchManifest keeps a manifest that is about these tensors: that of the place, or of
// the user's cache. Which files the tensors are in does not matter, because each is
// hashed when it is fetched.
func (c *Checkpoint) fetchManifest(ctx context.Context) error {
	data, err := c.remote.Small(ctx, ManifestFile, maxIndex)
	switch {
	case err == nil:
		c.useManifest(c.at(ManifestFile), data)
	case ctx.Err() != nil || !errors.Is(err, fs.ErrNotExist):
		return c.unreadable(ManifestFile, err)
	}
	if path := c.cachedManifest(); c.manifest.Load() == nil && path != "" {
		if data, err := os.ReadFile(path); err == nil {
			c.useManifest(path, data)
		}
	}
	if c.manifest.Load() == nil {
		c.notes = append(c.notes, "there is no manifest: damage on the way to the cache goes unseen; hachi model inspect --verify makes one")
	}
	return nil
}

func (c *Checkpoint) useManifest(path string, data []byte) {
	m := &Manifest{}
	if err := json.Unmarshal(data, m); err != nil {
		c.notes = append(c.notes, fmt.Sprintf("%s cannot be read and is not used: %v", path, err))
		return
	}
	complete := true
	for name := range c.tensors {
		complete = complete && len(m.Tensors[name]) == 64
	}
	if m.Version != manifestVersion || m.Digest != c.digest || !complete {
		c.notes = append(c.notes, path+" is about other weights and is not used")
		return
	}
	c.manifest.Store(m)
}

// IsRemote reports whether the checkpoint is elsewhere.
func (c *Checkpoint) IsRemote() bool { return c.remote != nil }

// remoteReader streams a part of a file.
type remoteReader struct {
	ctx      context.Context //nolint:containedctx // an io.Reader has no other way to get it
	remote   Remote
	file     string
	at, left int64
	buffer   []byte
}

// remoteStride is how much is asked for at once, in bytes.
const remoteStride = 16 << 20

// Read implements io.Reader.
func (r *remoteReader) Read(p []byte) (int, error) {
	if len(r.buffer) == 0 {
		if r.left == 0 {
			return 0, io.EOF
		}
		n := min(r.left, remoteStride)
		data := make([]byte, n)
		if err := r.remote.ReadAt(r.ctx, r.file, data, r.at); err != nil {
			return 0, err
		}
		r.buffer, r.at, r.left = data, r.at+n, r.left-n
	}
	n := copy(p, r.buffer)
	r.buffer = r.buffer[n:]
	return n, nil
}
