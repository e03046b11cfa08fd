package publish_test

import (
	"fmt"
	"io"
	"net/http"
	"path"
	"strings"
	"sync"
)

// valve stands before a store. It lets some bytes of experts through, and then none until
// it is opened again, and notes what was asked for.
type valve struct {
	store http.Handler

	mu    sync.Mutex // guards the fields below
	left  int
	shut  chan struct{} // closed when nothing is left
	asked []extent
	puts  int
}

// extent is a run of bytes of an object.
type extent struct {
	object  string
	at, end int64
}

func (v *valve) open(n int) (shut <-chan struct{}) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.left, v.shut = n, make(chan struct{})
	return v.shut
}

func (v *valve) took() (asked []extent) {
	v.mu.Lock()
	defer v.mu.Unlock()
	asked, v.asked = v.asked, nil
	return asked
}

// ServeHTTP implements http.Handler.
func (v *valve) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e := extent{object: path.Base(r.URL.Path)}
	_, _ = fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-%d", &e.at, &e.end)
	bulk := r.Method == http.MethodGet && strings.HasPrefix(e.object, "expert-") && e.end-e.at > 4096
	v.mu.Lock()
	if bulk {
		v.asked = append(v.asked, extent{e.object, e.at, e.end + 1})
	}
	if r.Method == http.MethodPut {
		v.puts++
	}
	v.mu.Unlock()
	if bulk {
		w = throttled{w, v, r.Context().Done()}
	}
	v.store.ServeHTTP(w, r)
}

// throttled writes through a valve.
type throttled struct {
	http.ResponseWriter
	valve *valve
	gone  <-chan struct{}
}

func (w throttled) Write(p []byte) (written int, err error) {
	for err == nil && written < len(p) {
		part := p[written:min(len(p), written+1024)]
		if !w.valve.take(len(part)) {
			<-w.gone
			return written, io.ErrClosedPipe
		}
		n := 0
		n, err = w.ResponseWriter.Write(part)
		written += n
		w.ResponseWriter.(http.Flusher).Flush()
	}
	return written, err
}

func (v *valve) take(n int) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.left <= 0 {
		return false
	}
	if v.left -= n; v.left <= 0 {
		close(v.shut)
	}
	return true
}
