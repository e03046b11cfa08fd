package rpc

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/hachi-serve/hachi/moe"
)

// openWithin bounds the opening of a stream: dial, hello and welcome. It also
// bounds how long a call waits here that its caller never cancels.
const openWithin = 5 * time.Second

// opening is a call that waits for its stream to open. When the call is canceled
// the opening continues: the next call needs the stream too.
//
//	waiting --begin--> started: session is set, the session ends the call
//	waiting --end-->   over: Done has the error, begin does nothing
//
// Both steps are taken under mu, and only from waiting, so exactly one of them
// ends the call.
type opening struct {
	peer    *peer
	call    *moe.Call
	pending *moe.PendingCall

	mu      sync.Mutex // guards the fields below
	over    bool       // ended before there was a stream
	session *session
	inner   moe.PendingCall // of the call on the stream
}

// startLater begins a call once there is a stream. It never waits itself: moe's
// Start must return at once. t.State is set before the goroutine starts, so that
// a Cancel finds the opening at any time.
func (p *peer) startLater(c *moe.Call, t *moe.PendingCall) {
	o := &opening{peer: p, call: c, pending: t}
	t.State = o
	if !p.goOpen(o.run) {
		o.end(unreachable(p.to.Node, errors.New("the stream was closed")))
	}
}

// run waits for the stream. It ends with the peer at the latest.
func (o *opening) run() {
	ctx, cancel := context.WithTimeout(o.peer.ctx, openWithin)
	defer cancel()
	if s, err := o.peer.session(ctx); err != nil {
		o.end(err)
	} else {
		o.begin(s)
	}
}

// begin starts the call on the stream, unless it was canceled before.
func (o *opening) begin(s *session) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.over {
		return
	}
	// The outer pending keeps naming the opening: it may be given up at any time.
	// The lock is held over start, so that abandon sees inner.Number or no session.
	// A refused start calls Done under the lock; Done does not block.
	o.session, o.inner.Done = s, o.pending.Done
	s.start(o.call, &o.inner)
}

// end ends the call before it had a stream; it does nothing if it had or if it
// has ended already.
func (o *opening) end(err error) {
	o.mu.Lock()
	first := o.session == nil && !o.over
	o.over = o.over || first
	o.mu.Unlock()
	if first {
		// The session never saw the call, so nothing has read its rows.
		release(o.call)
		o.peer.finish(o.pending, nil, err)
	}
}

// abandon cancels the call, whether it still waits or is on the stream.
func (o *opening) abandon() {
	o.end(unreachable(o.peer.to.Node, context.Canceled))
	o.mu.Lock()
	s := o.session // nil: end has ended the call
	o.mu.Unlock()
	if s != nil {
		s.abandon(o.inner.Number)
	}
}
