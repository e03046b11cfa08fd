package source

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hachi-serve/hachi/internal/episode"
	"github.com/hachi-serve/hachi/internal/wholefile"
)

// Cache keeps what was fetched in a directory. Several processes may use one.
//
//	tensors/KEY-SUM  a tensor, named by what it is and by its SHA-256
//	partial/KEY-SIZE the beginning of a tensor, locked by the process that fetches it
//	small/KEY        headers and samples: their SHA-256, and the bytes
//	models/ID        the text files of a model, as in a checkpoint directory
//	lock             is locked while a process makes room
type Cache struct {
	dir    string
	budget int64 // bytes; 0 is no limit
	// patience is how long a process that holds a lock may do nothing: one that was stopped
	// holds its locks for as long as it lives.
	patience time.Duration
	log      *slog.Logger
	faults   *episode.Log // of writing
}

// The directories of a cache.
const (
	tensorsDir = "tensors"
	partialDir = "partial"
	smallDir   = "small"
	modelsDir  = "models"
)

// OpenCache makes the directories of a cache. budget bounds tensors, headers and samples
// in bytes, 0 not at all. A tensor that is on the way counts with all of its bytes; headers
// and samples may exceed the budget until the next tensor comes.
func OpenCache(dir string, budget int64, log *slog.Logger) (*Cache, error) {
	for _, d := range []string{tensorsDir, partialDir, smallDir, modelsDir} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o700); err != nil {
			return nil, fmt.Errorf("weights cache: %w", err)
		}
	}
	return &Cache{dir, budget, stall, log, episode.New(log, slog.LevelWarn, "weights cache cannot be written, fetching into memory only", "weights cache is written again", "cache", episode.State)}, nil
}

// keyOf is the name of an entry that is described by parts.
func keyOf(parts ...any) string {
	h := sha256.New()
	for _, p := range parts {
		text := fmt.Sprint(p)
		fmt.Fprintf(h, "%d:%s", len(text), text)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

func sumOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// entry is the path of a tensor with a hash, or with any hash when it is not known; "" if
// there is none.
func (c *Cache) entry(key, sum string) string {
	dir := filepath.Join(c.dir, tensorsDir)
	if sum != "" {
		path := filepath.Join(dir, key+"-"+sum)
		if _, err := os.Lstat(path); err != nil {
			return ""
		}
		return path
	}
	all, err := os.ReadDir(dir)
	if err != nil {
		return ""
	}
	for _, e := range all {
		if strings.HasPrefix(e.Name(), key+"-") {
			return filepath.Join(dir, e.Name())
		}
	}
	return ""
}

// load fills dst with a tensor of the cache. An entry that is damaged is removed.
func (c *Cache) load(key, sum string, dst []byte) bool {
	path := c.entry(key, sum)
	if path == "" {
		return false
	}
	_, want, _ := strings.Cut(filepath.Base(path), "-")
	err := readExactly(path, dst)
	if err == nil && sumOf(dst) != want {
		err = fmt.Errorf("expected sha256 %s, found %s", want, sumOf(dst))
	}
	if errors.Is(err, fs.ErrNotExist) { // another process has evicted it
		return false
	}
	if err != nil {
		c.log.Warn("weights cache entry is damaged, fetching it again", "file", path, "err", errors.Join(err, os.Remove(path)))
		return false
	}
	touch(path)
	return true
}

// readExactly fills dst with a file of its size.
func readExactly(path string, dst []byte) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if n, err := io.ReadFull(f, dst); err != nil {
		return fmt.Errorf("expected %d bytes, found %d: %w", len(dst), n, err)
	}
	if n, _ := f.Read(make([]byte, 1)); n != 0 {
		return fmt.Errorf("expected %d bytes, found more", len(dst))
	}
	return nil
}

// touch makes an entry the last to be evicted.
func touch(path string) {
	now := time.Now()
	_ = os.Chtimes(path, now, now) // else it is evicted earlier
}

// small returns an entry of headers or samples, or makes it.
func (c *Cache) small(key string, make func() ([]byte, error)) ([]byte, error) {
	path := filepath.Join(c.dir, smallDir, key)
	if raw, err := os.ReadFile(path); err == nil {
		if n := sha256.Size; len(raw) >= n {
			if sum := sha256.Sum256(raw[n:]); bytes.Equal(sum[:], raw[:n]) {
				touch(path)
				return raw[n:], nil
			}
		}
		c.log.Warn("weights cache entry is damaged, fetching it again", "file", path)
	}
	data, err := make()
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(data)
	c.wrote(wholefile.Write(path, append(sum[:], data...), 0o600))
	return data, nil
}

// wrote notes whether something could be kept.
func (c *Cache) wrote(err error) {
	if err != nil {
		c.faults.Failed(c.dir, "err", err)
	} else {
		c.faults.Worked(c.dir)
	}
}

// stored is a file of the cache.
type stored struct {
	path  string
	bytes int64
	used  time.Time
}

// lockFile is locked by the process that makes room: what two processes count and then
// write may be more than the budget.
const lockFile = "lock"

// makeRoom evicts what was not used for longest until all fits the budget. It reports
// whether it does. keep, a path, stays.
func (c *Cache) makeRoom(keep string) bool {
	if c.budget == 0 {
		return true
	}
	f, err := openKept(filepath.Join(c.dir, lockFile))
	if err == nil {
		defer f.Close()
		err = lockWithin(f, c.patience)
	}
	if err != nil {
		c.wrote(fmt.Errorf("%s: %w", lockFile, err))
		return false
	}
	all, total := c.list()
	slices.SortFunc(all, func(a, b stored) int { return a.used.Compare(b.used) })
	for _, s := range all {
		if total <= c.budget {
			return true
		}
		if s.path != keep && c.evict(s.path) {
			total -= s.bytes
		}
	}
	return total <= c.budget
}

// list is what the budget counts.
func (c *Cache) list() (all []stored, total int64) {
	for _, d := range []string{tensorsDir, partialDir, smallDir} {
		entries, err := os.ReadDir(filepath.Join(c.dir, d))
		if err != nil {
			continue // then nothing of it can be evicted
		}
		for _, e := range entries {
			if info, err := e.Info(); err == nil {
				s := stored{filepath.Join(c.dir, d, e.Name()), info.Size(), info.ModTime()}
				if d == partialDir {
					s.bytes = wholeSize(e.Name(), s.bytes)
				}
				all, total = append(all, s), total+s.bytes
			}
		}
	}
	return all, total
}

// wholeSize is the size of a tensor that is on the way, by the name of its beginning.
func wholeSize(name string, arrived int64) int64 {
	_, text, _ := strings.Cut(name, "-")
	size, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return arrived
	}
	return max(size, arrived)
}

// evict removes a file, unless a process is writing it.
func (c *Cache) evict(path string) bool {
	if filepath.Base(filepath.Dir(path)) == partialDir {
		f, err := lock(path)
		if err != nil {
			return false
		}
		defer f.Close()
	}
	return os.Remove(path) == nil
}
