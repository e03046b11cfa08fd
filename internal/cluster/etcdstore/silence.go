package etcdstore

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// A member that is paused or cut off keeps its connections open, and gRPC notices only
// after 13 s: it pings no earlier. Meanwhile the client sends every third call, watch and
// keepalive to it. So a call that is not answered closes the connections that are silent:
// what they carried goes on at another member at once.

// silence is how long a first attempt waits for an answer; each further one waits twice
// as long, for an etcd that is only slow.
const silence = time.Second

// retry asks until an answer comes or ctx ends, again when the connection of a call was
// closed for the silence of another. What it asks must have the same effect twice as once.
func retry(ctx context.Context, s *Store, ask func(context.Context) error) error {
	for within := silence; ; within *= 2 {
		closings, began := s.lines.closings.Load(), time.Now()
		attempt, cancel := context.WithTimeout(ctx, within)
		err := ask(attempt)
		silent := err != nil && attempt.Err() != nil
		cancel()
		if silent {
			s.lines.closeSilent(began)
		}
		if err == nil || ctx.Err() != nil || !silent && closings == s.lines.closings.Load() {
			return err
		}
	}
}

// once asks once: what it asks must not happen twice.
func once(ctx context.Context, s *Store, ask func(context.Context) error) error {
	began := time.Now()
	err := ask(ctx)
	if err != nil && ctx.Err() != nil {
		s.lines.closeSilent(began)
	}
	return err
}

// lines are the connections of a client.
type lines struct {
	began    time.Time    // times are counted from it: the clock on the wall jumps
	closings atomic.Int64 // of silent ones

	mu   sync.Mutex // guards open
	open map[*line]bool
}

func newLines() *lines { return &lines{began: time.Now(), open: map[*line]bool{}} }

// line is a connection that remembers when bytes last came and went, in nanoseconds since
// the beginning of its client.
type line struct {
	net.Conn
	of       *lines
	got, put atomic.Int64
}

// dial is the dialer of a gRPC client.
func (l *lines) dial(ctx context.Context, addr string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	c := &line{Conn: conn, of: l}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open[c] = true
	return c, nil
}

// closeSilent closes the connections on which bytes went since a moment, and none came.
func (l *lines) closeSilent(since time.Time) {
	l.mu.Lock()
	var silent []*line
	for c := range l.open {
		if at := int64(since.Sub(l.began)); c.put.Load() >= at && c.got.Load() < at {
			silent = append(silent, c)
		}
	}
	l.mu.Unlock()
	for _, c := range silent {
		l.closings.Add(1)
		c.Close()
	}
}

// Read implements net.Conn.
func (c *line) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 {
		c.got.Store(int64(time.Since(c.of.began)))
	}
	return n, err
}

// Write implements net.Conn.
func (c *line) Write(b []byte) (int, error) {
	c.put.Store(int64(time.Since(c.of.began)))
	return c.Conn.Write(b)
}

// Close implements net.Conn.
func (c *line) Close() error {
	c.of.mu.Lock()
	delete(c.of.open, c)
	c.of.mu.Unlock()
	return c.Conn.Close()
}
