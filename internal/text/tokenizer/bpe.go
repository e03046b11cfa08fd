package tokenizer

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"unicode/utf8"
)

// bpe is byte-pair encoding over the characters of a text: of all adjacent
// pairs that have a merge, the one of lowest rank is merged, the leftmost of
// equals first, until none is left.
//
// Symbols are ids of the vocabulary; after them come numbers for characters
// that have no piece of their own but are part of one.
type bpe struct {
	vocab   *vocabulary
	symbols map[rune]int32
	merges  map[uint64]merge    // by pair
	joints  map[uint64]struct{} // pairs of characters that are neighbors in a piece

	segments sync.Pool // of *segment
}

type merge struct {
	rank   int32
	result int32
}

// noSymbol is a character that no piece contains.
const noSymbol = -1

func pair(left, right int32) uint64 { return uint64(uint32(left))<<32 | uint64(uint32(right)) }

// newBPE returns the characters of all normal pieces, without merges.
func newBPE(v *vocabulary) *bpe {
	b := &bpe{vocab: v, symbols: map[rune]int32{}, merges: map[uint64]merge{}, joints: map[uint64]struct{}{}}
	next := int32(len(v.pieces))
	for id, p := range v.pieces {
		if p.kind != normal {
			continue
		}
		first, size := utf8.DecodeRuneInString(p.text)
		if size == len(p.text) {
			b.symbols[first] = int32(id)
			continue
		}
		for _, r := range p.text {
			if _, known := b.symbols[r]; !known {
				b.symbols[r] = noSymbol
			}
		}
	}
	for r, id := range b.symbols {
		if id == noSymbol {
			b.symbols[r], next = next, next+1
		}
	}
	for _, p := range v.pieces {
		if p.kind == normal {
			b.addJoints(p.text)
		}
	}
	return b
}

func (b *bpe) addJoints(text string) {
	last := int32(noSymbol)
	for _, r := range text {
		symbol := b.symbols[r]
		if last != noSymbol {
			b.joints[pair(last, symbol)] = struct{}{}
		}
		last = symbol
	}
}

// symbol is the number of a text that can stand between merges: a normal
// piece or a single character.
func (b *bpe) symbol(text string) (int32, bool) {
	if r, size := utf8.DecodeRuneInString(text); size == len(text) {
		id, ok := b.symbols[r]
		return id, ok
	}
	id, ok := b.vocab.ids[text]
	return id, ok && b.vocab.pieces[id].kind == normal
}

// mergeByScore gives every way to split a normal piece in two the rank of the
// piece: SentencePiece merges whatever makes the piece of highest score.
func (b *bpe) mergeByScore(scores []float32) {
	distinct := slices.Clone(scores)
	slices.SortFunc(distinct, func(x, y float32) int { return cmp.Compare(y, x) })
	distinct = slices.Compact(distinct)
	for id, p := range b.vocab.pieces {
		if p.kind != normal {
			continue
		}
		rank, _ := slices.BinarySearchFunc(distinct, scores[id], func(x, y float32) int { return cmp.Compare(y, x) })
		for at := range p.text {
			if at == 0 {
				continue
			}
			left, okLeft := b.symbol(p.text[:at])
			right, okRight := b.symbol(p.text[at:])
			if okLeft && okRight {
				b.merges[pair(left, right)] = merge{int32(rank), int32(id)}
			}
		}
	}
}

// mergeByRank takes exactly the merges of a list, in its order. No merge may
// make a special token: text would become one.
func (b *bpe) mergeByRank(list [][2]string) error {
	for rank, texts := range list {
		left, okLeft := b.symbol(texts[0])
		right, okRight := b.symbol(texts[1])
		result, ok := b.symbol(texts[0] + texts[1])
		if !okLeft || !okRight || !ok || int(max(left, right, result)) >= len(b.vocab.pieces) {
			return fmt.Errorf("merge %d: %q and %q and both together must be normal pieces", rank, texts[0], texts[1])
		}
		p := pair(left, right)
		if other, repeated := b.merges[p]; repeated {
			return fmt.Errorf("merge %d: %q and %q are merge %d already", rank, texts[0], texts[1], other.rank)
		}
		b.merges[p] = merge{int32(rank), result}
	}
	return nil
}
