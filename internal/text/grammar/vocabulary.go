package grammar

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// Vocabulary says which bytes tokens stand for. It does not change.
type Vocabulary interface {
	// Size is the number of tokens; they are 0 to Size()-1.
	Size() int
	// Bytes returns the bytes that a token adds to a non-empty text; none for
	// tokens that never stand for text.
	Bytes(token int32) []byte
	// First returns the bytes of a token as the first of an answer.
	First(token int32) []byte
	// EOS is the token that ends an answer.
	EOS() int32
}

// maxTokenBytes bounds the length of a token.
const maxTokenBytes = 1 << 10

// trie holds the texts of tokens, in the order of a walk from the root.
type trie struct {
	nodes  []trieNode
	tokens []int32 // those of node i are from nodes[i].tokens to nodes[i+1].tokens
	depth  int     // of the deepest node
}

// trieNode is a prefix of tokens.
type trieNode struct {
	skip   int32 // the node after all that have this prefix
	tokens int32
	depth  uint16 // the length of the prefix; that of the root is 0
	last   byte   // of the prefix
}

// newTrie builds the trie of the texts of tokens. Tokens without text are left out.
func newTrie(size int, text func(token int32) []byte) (*trie, error) {
	type entry struct {
		text  string
		token int32
	}
	entries := make([]entry, 0, size)
	for token := range int32(size) {
		b := text(token)
		if len(b) > maxTokenBytes {
			return nil, fmt.Errorf("token %d has %d bytes, the limit is %d", token, len(b), maxTokenBytes)
		}
		entries = append(entries, entry{string(b), token})
	}
	slices.SortFunc(entries, func(a, b entry) int { return cmp.Or(cmp.Compare(a.text, b.text), cmp.Compare(a.token, b.token)) })
	t := &trie{nodes: []trieNode{{}}}
	path := []int32{0} // the nodes of the prefixes of the last text
	close := func(depth int) {
		for ; len(path) > depth; path = path[:len(path)-1] {
			t.nodes[path[len(path)-1]].skip = int32(len(t.nodes))
		}
	}
	before := ""
	for _, e := range entries {
		if e.text == "" {
			continue
		}
		shared := 0
		for shared < len(before) && shared < len(e.text) && before[shared] == e.text[shared] {
			shared++
		}
		close(shared + 1)
		for i := shared; i < len(e.text); i++ {
			path = append(path, int32(len(t.nodes)))
			t.nodes = append(t.nodes, trieNode{depth: uint16(i + 1), last: e.text[i], tokens: int32(len(t.tokens))})
		}
		t.depth = max(t.depth, len(e.text))
		t.tokens = append(t.tokens, e.token)
		before = e.text
	}
	close(0)
	t.nodes = append(t.nodes, trieNode{tokens: int32(len(t.tokens))}) // a sentinel
	return t, nil
}

// checkVocabulary refuses a vocabulary that cannot write every text: then a
// mask could be empty.
func checkVocabulary(v Vocabulary) error {
	size := v.Size()
	if size <= 0 || v.EOS() < 0 || int(v.EOS()) >= size {
		return fmt.Errorf("the vocabulary has %d tokens and ends answers with %d", size, v.EOS())
	}
	if len(v.Bytes(v.EOS())) > 0 {
		return errors.New("the token that ends an answer stands for text")
	}
	var whole, first [256]bool
	for token := range int32(size) {
		if b := v.Bytes(token); len(b) == 1 {
			whole[b[0]] = true
			if f := v.First(token); len(f) == 1 && f[0] == b[0] || len(f) == 0 && b[0] == ' ' {
				first[b[0]] = true
			}
		}
	}
	for b := range 256 {
		utf8 := b < 0xc0 || b >= 0xc2 && b < 0xf5
		if utf8 && !(whole[b] && first[b]) {
			return fmt.Errorf("no token stands for the byte 0x%02x: not every text can be written", b)
		}
	}
	return nil
}
