package rpc

// spinning decides whether a connection's next read polls for a while before it
// parks. To park costs nothing while cores are shared, and tens of microseconds
// when the core halts meanwhile and has to be woken.
//
// It adapts: a poll that ends with data in time was worth it, and the next read
// polls again. One in vain, because the wait is longer than the limit or because
// another process had the core meanwhile, keeps the next reads from it: 1, 3, 7
// and so on to 63.
type spinning struct {
	misses int // in a row
	skip   int // reads that park at once
}

// mostMisses bounds the share of reads that poll in vain to one of 64.
const mostMisses = 6

// try reports whether a read is to poll.
func (s *spinning) try() bool {
	if s.skip == 0 {
		return true
	}
	s.skip--
	return false
}

// learn takes the end of a poll.
func (s *spinning) learn(hit bool) {
	if hit {
		s.misses = 0
		return
	}
	s.misses = min(s.misses+1, mostMisses)
	s.skip = 1<<s.misses - 1
}
