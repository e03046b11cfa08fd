package checkpoint

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/hachi-serve/hachi/internal/wholefile"
	"github.com/hachi-serve/hachi/moe"
)

// ManifestFile is the name of the cached manifest inside the checkpoint's
// directory.
const ManifestFile = "hachi-manifest.json"

const manifestVersion = 1

// Manifest is the full content of a checkpoint as hashes: one SHA-256 per
// tensor, lower-case hex, and the state of the files they were taken from.
type Manifest struct {
	Version int               `json:"version"`
	Digest  string            `json:"digest"`
	Files   []FileState       `json:"files"`
	Tensors map[string]string `json:"tensors"`
}

// FileState tells whether a file is still the one that was hashed.
type FileState struct {
	Name    string `json:"name"`
	Size    int64  `json:"size"`
	ModTime int64  `json:"mtime_ns"`
	Header  string `json:"header_sha256"`
}

// Manifest returns the cached manifest when there is a current one, else nil.
// The caller must not change it.
func (c *Checkpoint) Manifest() *Manifest { return c.manifest.Load() }

// Verify hashes every tensor, in parallel, and caches the hashes in the
// checkpoint's directory, or in the user's cache directory where that cannot
// be written. When a current manifest exists the hashes must equal it: the
// same file with other bytes is damage, reported per tensor. progress, which
// may be nil, gets the bytes done and the bytes in total, one call at a time.
func (c *Checkpoint) Verify(ctx context.Context, progress func(done, total int64)) (*Manifest, error) {
	tensors := c.byName()
	sums, err := c.hashAll(ctx, tensors, progress)
	if err != nil {
		return nil, err
	}
	m := &Manifest{Version: manifestVersion, Digest: c.digest, Files: c.fileStates(), Tensors: map[string]string{}}
	for i, t := range tensors {
		m.Tensors[t.Name] = sums[i]
	}
	if known := c.manifest.Load(); known != nil {
		return known, compareSums(known, tensors, sums)
	}
	if err := c.writeManifest(m); err != nil {
		return nil, err
	}
	c.manifest.Store(m)
	return m, nil
}

// VerifyExpert hashes one expert's tensors against the manifest.
// ErrNoManifest when there is none that is current.
func (c *Checkpoint) VerifyExpert(ctx context.Context, id moe.ExpertID) error {
	if err := c.checkExpert(id); err != nil {
		return err
	}
	return c.verifySpecs(ctx, c.expertSpecs(id))
}

// VerifyDense hashes the attention node's tensors against the manifest.
// ErrNoManifest when there is none that is current.
func (c *Checkpoint) VerifyDense(ctx context.Context) error {
	return c.verifySpecs(ctx, slices.DeleteFunc(slices.Clone(c.layout), func(s Spec) bool { return s.IsExpert }))
}

func (c *Checkpoint) verifySpecs(ctx context.Context, specs []Spec) error {
	m := c.manifest.Load()
	if m == nil {
		return ErrNoManifest
	}
	var tensors []located
	for _, s := range specs {
		tensors = append(tensors, c.tensors[s.Name])
	}
	sums, err := c.hashAll(ctx, tensors, nil)
	if err != nil {
		return err
	}
	return compareSums(m, tensors, sums)
}

func compareSums(m *Manifest, tensors []located, sums []string) error {
	var faults []error
	for i, t := range tensors {
		if want := m.Tensors[t.Name]; want != sums[i] {
			faults = append(faults, &Error{File: t.file.path, Tensor: t.Name, Fault: Damaged,
				Expected: "sha256 " + want, Found: sums[i]})
		}
	}
	return FirstFew(faults)
}

// hashAll hashes tensors on all cores; sums are in their order.
func (c *Checkpoint) hashAll(ctx context.Context, tensors []located, progress func(done, total int64)) ([]string, error) {
	var total int64
	for _, t := range tensors {
		total += t.bytes
	}
	var mu sync.Mutex
	var done int64
	sums := make([]string, len(tensors))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, t := range tensors {
		g.Go(func() error {
			var err error
			sums[i], err = hashTensor(ctx, t, c.reader(ctx, t), func(n int) {
				mu.Lock()
				defer mu.Unlock()
				if done += int64(n); progress != nil && n > 0 {
					progress(done, total)
				}
			})
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return sums, nil
}

func hashTensor(ctx context.Context, t located, r io.Reader, advance func(n int)) (string, error) {
	h, buf := sha256.New(), make([]byte, 1<<20)
	for {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		n, err := r.Read(buf)
		h.Write(buf[:n])
		advance(n)
		if err == io.EOF {
			return hex.EncodeToString(h.Sum(nil)), nil
		}
		if err != nil {
			return "", &Error{File: t.file.path, Tensor: t.Name, Fault: Unreadable, Err: err}
		}
	}
}

func (c *Checkpoint) fileStates() []FileState {
	var out []FileState
	for _, f := range c.files {
		out = append(out, FileState{Name: f.name, Size: f.size, ModTime: f.modTime, Header: hex.EncodeToString(f.header[:])})
	}
	return out
}

// loadManifest keeps the first manifest that is about these very files. One
// that is not is stale: it is noted, and replaced by the next Verify.
func (c *Checkpoint) loadManifest() {
	for _, path := range c.manifestPaths() {
		data, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		m := &Manifest{}
		if err := json.Unmarshal(data, m); err != nil {
			c.notes = append(c.notes, fmt.Sprintf("%s cannot be read and is not used: %v", path, err))
			continue
		}
		if m.Version != manifestVersion || m.Digest != c.digest || !slices.Equal(m.Files, c.fileStates()) {
			c.notes = append(c.notes, path+" is about other files and is not used")
			continue
		}
		c.manifest.Store(m)
		return
	}
}

// manifestPaths lists where a manifest may be, the preferred place first.
func (c *Checkpoint) manifestPaths() []string {
	var paths []string
	if c.remote == nil {
		paths = append(paths, filepath.Join(c.dir, ManifestFile))
	}
	if path := c.cachedManifest(); path != "" {
		paths = append(paths, path)
	}
	return paths
}

// cachedManifest is where the manifest of a checkpoint that cannot be written is kept; ""
// if the user has no cache.
func (c *Checkpoint) cachedManifest() string {
	cache, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(cache, "hachi", "manifests", c.digest+".json")
}

func (c *Checkpoint) writeManifest(m *Manifest) error {
	data, err := json.MarshalIndent(m, "", " ")
	if err != nil {
		return err
	}
	var errs []error
	for _, path := range c.manifestPaths() {
		errs = append(errs, os.MkdirAll(filepath.Dir(path), 0o755))
		err := wholefile.Write(path, append(data, '\n'), 0o644)
		if err == nil {
			return nil
		}
		errs = append(errs, err)
	}
	return fmt.Errorf("manifest: %w", errors.Join(errs...))
}
