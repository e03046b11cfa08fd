package dispatch

import "sync"

// mailbox passes ended attempts, in order, from any goroutine of a transport to
// the one goroutine of a run. put never blocks: a transport may call it with
// locks held, and from within Start.
type mailbox struct {
	filled chan struct{} // capacity 1: ended may be non-empty

	mu    sync.Mutex // guards ended
	ended []*attempt
}

func (m *mailbox) put(a *attempt) {
	m.mu.Lock()
	m.ended = append(m.ended, a)
	m.mu.Unlock()
	select {
	case m.filled <- struct{}{}:
	default:
	}
}

// take appends all ended attempts to dst. It may find none: filled also holds a
// signal whose attempts an earlier take has taken.
func (m *mailbox) take(dst []*attempt) []*attempt {
	m.mu.Lock()
	defer m.mu.Unlock()
	dst = append(dst, m.ended...)
	clear(m.ended)
	m.ended = m.ended[:0]
	return dst
}
