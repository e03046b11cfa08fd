package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"time"
)

const (
	// stall is how long a connection may bring nothing before another one is tried.
	stall = 30 * time.Second
	// maxTries bounds the tries one after another that bring nothing.
	maxTries = 6
	// maxStreams bounds the requests of a process at one time.
	maxStreams = 16
	// firstWait and lastWait bound the time between tries.
	firstWait = 200 * time.Millisecond
	lastWait  = 10 * time.Second
)

// reader reads ranges of files completely, over as many connections as it takes.
type reader struct {
	files   Files
	streams chan struct{} // one element for each request under way
	stall   time.Duration
	wait    time.Duration   // the first
	fetched func(bytes int) // hears of every read
}

func newReader(files Files, fetched func(int)) *reader {
	return &reader{files: files, streams: make(chan struct{}, maxStreams), stall: stall, wait: firstWait, fetched: fetched}
}

// stat describes a file.
func (r *reader) stat(ctx context.Context, name string) (info Info, err error) {
	err = r.try(ctx, func(ctx context.Context) (bool, error) {
		info, err = r.files.Stat(ctx, name)
		return false, err
	})
	return info, err
}

// read fills dst with the bytes of a file at an offset. arrived, which may be nil, gets
// each piece once it is in dst. A connection that ends early is continued where it
// ended.
func (r *reader) read(ctx context.Context, name string, as Info, at int64, dst []byte, arrived func(piece []byte)) error {
	done := 0
	if at < 0 || at+int64(len(dst)) > as.Size {
		return &Error{r.files.String(), name, Malformed, fmt.Errorf("bytes %d to %d of a file of %d", at, at+int64(len(dst)), as.Size)}
	}
	return r.try(ctx, func(ctx context.Context) (bool, error) {
		before := done
		err := r.once(ctx, name, as, at+int64(done), dst[done:], func(piece []byte) {
			done += len(piece)
			if arrived != nil {
				arrived(piece)
			}
		})
		return done > before, err
	})
}

// piece bounds what is read at once, in bytes.
const piece = 1 << 20

// once reads over one connection.
func (r *reader) once(ctx context.Context, name string, as Info, at int64, dst []byte, arrived func([]byte)) error {
	if len(dst) == 0 {
		return nil
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	silence := &Error{r.files.String(), name, Unavailable, fmt.Errorf("nothing came for %v", r.stall)}
	watch := time.AfterFunc(r.stall, func() { cancel(silence) })
	defer watch.Stop()
	body, err := r.files.Open(ctx, name, as, at, int64(len(dst)))
	for err == nil && len(dst) > 0 {
		var n int
		n, err = body.Read(dst[:min(len(dst), piece)])
		if n > 0 {
			watch.Reset(r.stall)
			r.fetched(n)
			arrived(dst[:n])
			dst = dst[n:]
		}
	}
	if body != nil {
		body.Close() // what was read counts
	}
	switch {
	case len(dst) == 0:
		return nil
	case context.Cause(ctx) == silence:
		return silence
	case KindOf(err) != "":
		return err
	case errors.Is(err, io.EOF):
		err = fmt.Errorf("the connection ended %d bytes early", len(dst))
	}
	return &Error{r.files.String(), name, Unavailable, err}
}

// try calls do until it succeeds, finds a permanent fault, or has failed maxTries times in
// a row without progress. It waits longer each time, and not beyond ctx.
func (r *reader) try(ctx context.Context, do func(context.Context) (progress bool, err error)) error {
	select {
	case r.streams <- struct{}{}:
		defer func() { <-r.streams }()
	case <-ctx.Done():
		return ctx.Err()
	}
	wait := r.wait
	for failed := 0; ; {
		progress, err := do(ctx)
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case Permanent(err):
			return err
		case progress:
			failed, wait = 0, r.wait
		}
		if failed++; failed >= maxTries {
			return err
		}
		select {
		case <-time.After(wait/2 + rand.N(wait/2+1)):
		case <-ctx.Done():
			return ctx.Err()
		}
		wait = min(2*wait, lastWait)
	}
}
