package kvcache

// lru is a list of blocks threaded through their prev and next, least recently
// used first.
type lru struct {
	head, tail int32
	n          int
}

const none = int32(-1)

func newLRU() lru { return lru{head: none, tail: none} }

// append makes b the most recently used.
func (l *lru) append(blocks []block, b int32) {
	blocks[b].prev, blocks[b].next = l.tail, none
	if l.tail == none {
		l.head = b
	} else {
		blocks[l.tail].next = b
	}
	l.tail = b
	l.n++
}

func (l *lru) remove(blocks []block, b int32) {
	prev, next := blocks[b].prev, blocks[b].next
	if prev == none {
		l.head = next
	} else {
		blocks[prev].next = next
	}
	if next == none {
		l.tail = prev
	} else {
		blocks[next].prev = prev
	}
	l.n--
}
