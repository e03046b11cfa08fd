package httpapi

import (
	"context"
	"net"
	"net/http"
	"time"
)

type connKey struct{}

// ConnContext carries a connection to the requests on it: http.Server.ConnContext.
func ConnContext(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

const (
	// lookEvery is the time between looks at a connection that may be half closed.
	lookEvery = time.Second
	// probeAfter is the number of looks between probes.
	probeAfter = 10
)

// clientContext returns a context that ends when a request's client has gone. It
// carries the values of the request's context, which net/http ends too early: as
// soon as the client has closed its side for writing. Such a client may still wait
// for its answer.
func clientContext(w http.ResponseWriter, r *http.Request) (context.Context, context.CancelFunc) {
	conn, ok := r.Context().Value(connKey{}).(*probed)
	if !ok || r.ProtoMajor != 1 || r.ProtoMinor == 0 {
		// HTTP/2 tells a closed side from a closed stream; HTTP/1.0 knows no probe.
		return context.WithCancel(r.Context())
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(r.Context()))
	stop := context.AfterFunc(r.Context(), func() {
		watch(ctx, conn, answerOf(w))
		cancel()
	})
	return ctx, func() {
		stop()
		cancel()
	}
}

// watch returns when the client of a connection, which has closed its side for
// writing, has gone, or when ctx ends. The system of a client that has gone answers
// what it receives with a reset: the next event of a stream, or a probe while
// there is no answer yet. After the last probe the keep-alive of TCP finds it, when that
// system has forgotten the connection.
func watch(ctx context.Context, conn *probed, a *answer) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for looks := 1; halfClosed(conn); looks++ {
		if looks%probeAfter == 0 {
			a.probe(conn)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// probe sends a byte of the answer ahead, unless the answer has begun.
func (a *answer) probe(conn *probed) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.status == 0 {
		conn.probe()
	}
}
