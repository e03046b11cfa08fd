package dispatch

import "sync"

// mailbox holds attempts that have ended, in order, for the one goroutine that
// waits for them. put never blocks.
type mailbox struct {
	filled chan struct{} // capacity 1: there may be something

	mu   sync.Mutex // guards ends
	ends []*attempt
}

func (m *mailbox) put(a *attempt) {
	m.mu.Lock()
	m.ends = append(m.ends, a)
	m.mu.Unlock()
	select {
	case m.filled <- struct{}{}:
	default:
	}
}

// take moves what is there into into.
func (m *mailbox) take(into []*attempt) []*attempt {
	m.mu.Lock()
	defer m.mu.Unlock()
	into = append(into, m.ends...)
	clear(m.ends)
	m.ends = m.ends[:0]
	return into
}
