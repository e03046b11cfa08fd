package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// partial is the beginning of a tensor on the disk. Its lock, which a kill releases,
// keeps other processes from fetching the same. With a nil file, nothing is written.
type partial struct {
	cache *Cache
	file  *os.File
}

// errLocked means that another process has a file.
var errLocked = errors.New("locked by another process")

// openKept opens a file of the cache, which is made if it is absent. A link of another user,
// who would choose the file that is overwritten, is refused.
func openKept(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
	var link unix.Stat_t
	if errors.Is(err, unix.ELOOP) && unix.Lstat(path, &link) == nil && int(link.Uid) == os.Getuid() {
		return os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	}
	return f, err
}

// lock opens and locks a file of the cache, which is made if it is absent.
func lock(path string) (*os.File, error) {
	f, err := openKept(path)
	if err != nil {
		return nil, err
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if err == nil {
		open, errOpen := f.Stat()
		there, errThere := os.Stat(path)
		if errOpen == nil && errThere == nil && os.SameFile(open, there) {
			return f, nil
		}
		err = errLocked // it was published or evicted in between
	}
	if errors.Is(err, unix.EWOULDBLOCK) {
		err = errLocked
	}
	return nil, errors.Join(err, f.Close())
}

// otherWait is the time between looks at a tensor that another process fetches.
const otherWait = 50 * time.Millisecond

// partialName names the beginning of a tensor by its key and its size in bytes.
func partialName(key string, size int64) string { return fmt.Sprintf("%s-%d", key, size) }

// lockWithin locks a file that other processes lock for moments only.
func lockWithin(f *os.File, patience time.Duration) error {
	for began := time.Now(); ; time.Sleep(time.Millisecond) {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		switch {
		case err == nil, !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR):
			return err
		case time.Since(began) > patience:
			return errLocked
		}
	}
}

// growth tells a process that fetches a tensor from one that stands still.
type growth struct {
	file  os.FileInfo // nil is none
	since time.Time
}

// look returns for how long nothing was added to the beginning of a tensor.
func (g *growth) look(path string, now time.Time) time.Duration {
	info, err := os.Stat(path)
	same := err == nil && g.file != nil && os.SameFile(info, g.file) && info.Size() == g.file.Size()
	if !same {
		g.file, g.since = info, now
	}
	return now.Sub(g.since)
}

// openPartial waits until no other process fetches a tensor of some size, or until one that
// does has added nothing for as long as the cache is patient. The error is that of ctx: a
// cache that cannot be written is gone without.
func (c *Cache) openPartial(ctx context.Context, key string, size int64) (*partial, error) {
	path := filepath.Join(c.dir, partialDir, partialName(key, size))
	if c.budget > 0 && size > c.budget {
		return &partial{cache: c}, nil
	}
	for other := (growth{since: time.Now()}); ; {
		f, err := lock(path)
		if err == nil {
			if c.makeRoom(path) {
				return &partial{c, f}, nil
			}
			return &partial{cache: c}, errors.Join(os.Remove(path), f.Close())
		}
		if !errors.Is(err, errLocked) {
			c.wrote(err)
			return &partial{cache: c}, nil
		}
		if other.look(path, time.Now()) > c.patience {
			c.log.Warn("the process that fetches a tensor into the weights cache stands still, fetching it into memory only", "file", path)
			return &partial{cache: c}, nil
		}
		select {
		case <-time.After(otherWait):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// resume reads what has arrived into dst and returns how much that is.
func (p *partial) resume(dst []byte) int {
	if p.file == nil {
		return 0
	}
	info, err := p.file.Stat()
	n := 0
	if err == nil && info.Size() <= int64(len(dst)) {
		n, err = io.ReadFull(p.file, dst[:info.Size()])
	}
	if err != nil {
		n = 0
	}
	p.truncate(int64(n))
	return n
}

// truncate forgets what has arrived after n bytes.
func (p *partial) truncate(n int64) {
	if p.file == nil {
		return
	}
	info, err := p.file.Stat()
	if err == nil && info.Size() != n {
		err = p.file.Truncate(n)
	}
	if err == nil {
		_, err = p.file.Seek(n, io.SeekStart)
	}
	if err != nil {
		p.giveUp(err)
	}
}

// add keeps a piece that has arrived.
func (p *partial) add(piece []byte) {
	if p.file == nil {
		return
	}
	if _, err := p.file.Write(piece); err != nil {
		p.giveUp(err)
	}
}

// giveUp leaves the rest of the tensor in memory only, and its place on the disk to
// others.
func (p *partial) giveUp(err error) {
	p.cache.wrote(err)
	_ = os.Remove(p.file.Name()) // else it is continued or evicted
	p.close()
}

// publish makes the complete tensor an entry of the cache.
func (p *partial) publish(key, sum string) {
	if p.file == nil {
		return
	}
	name := p.file.Name()
	err := errors.Join(p.file.Sync(), p.file.Chmod(0o400))
	if err == nil {
		err = os.Rename(name, filepath.Join(p.cache.dir, tensorsDir, key+"-"+sum))
	}
	if err != nil {
		p.giveUp(fmt.Errorf("%s: %w", name, err))
		return
	}
	p.cache.wrote(nil)
	p.cache.makeRoom("")
}

// drop removes what has arrived.
func (p *partial) drop() {
	if p.file != nil {
		_ = os.Remove(p.file.Name()) // else it is continued or evicted
	}
}

func (p *partial) close() {
	if p.file != nil {
		p.file.Close() // what counts was synced
		p.file = nil
	}
}
