package tokenizer

// matcher finds the first of a set of texts in a text, the longest where
// several begin at the same place. Immutable once filled.
type matcher struct {
	nodes []matchNode // a trie of bytes; nodes[0] is the root
}

type matchNode struct {
	next map[byte]int // node
	id   int32        // of the text that ends here, or -1
}

// add makes text, which is not empty, stand for id.
func (m *matcher) add(text string, id int32) {
	if len(m.nodes) == 0 {
		m.nodes = []matchNode{{id: -1}}
	}
	at := 0
	for i := range len(text) {
		to, ok := m.nodes[at].next[text[i]]
		if !ok {
			to = len(m.nodes)
			m.nodes = append(m.nodes, matchNode{id: -1})
			if m.nodes[at].next == nil {
				m.nodes[at].next = map[byte]int{}
			}
			m.nodes[at].next[text[i]] = to
		}
		at = to
	}
	m.nodes[at].id = id
}

// find returns the first match, text[start:end]; without one it is empty, at
// the end of text, and id is -1.
func (m *matcher) find(text string) (start, end int, id int32) {
	if len(m.nodes) == 0 {
		return len(text), len(text), -1
	}
	for start := range len(text) {
		id, end, at := int32(-1), start, 0
		for i := start; i < len(text); i++ {
			to, ok := m.nodes[at].next[text[i]]
			if !ok {
				break
			}
			if at = to; m.nodes[at].id >= 0 {
				id, end = m.nodes[at].id, i+1
			}
		}
		if id >= 0 {
			return start, end, id
		}
	}
	return len(text), len(text), -1
}
