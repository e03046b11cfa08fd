package rpc

import (
	"context"
	"sync"

	"github.com/hachi-serve/hachi/moe"
)

// opening is a call that waits for its stream to open.
type opening struct {
	cancel context.CancelFunc

	mu      sync.Mutex // guards the fields below
	over    bool       // given up before there was a stream
	session *session
	inner   moe.Ticket // of the call on the stream
}

// startLater begins a call once there is a stream.
func (p *peer) startLater(c *moe.Call, t *moe.Ticket) {
	ctx, cancel := context.WithCancel(p.ctx)
	o := &opening{cancel: cancel}
	t.Carrier = o
	go func() {
		defer cancel()
		s, err := p.session(ctx)
		if err == nil && o.begin(s, c, t) {
			return
		}
		if err == nil {
			err = unreachable(p.to.Node, context.Canceled)
		}
		release(c)
		p.finish(t, nil, err)
	}()
}

// begin starts the call on the stream; false when it was given up before.
func (o *opening) begin(s *session, c *moe.Call, t *moe.Ticket) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.over {
		return false
	}
	// The outer ticket keeps naming the opening: it may be given up at any time.
	o.session, o.inner.Done = s, t.Done
	s.start(c, &o.inner)
	return true
}

// abandon gives the call up, wherever it is.
func (o *opening) abandon() {
	o.cancel()
	o.mu.Lock()
	s := o.session
	o.over = s == nil
	o.mu.Unlock()
	if s != nil {
		s.abandon(o.inner.Number)
	}
}
