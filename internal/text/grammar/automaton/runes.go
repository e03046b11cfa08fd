package automaton

import (
	"encoding/binary"
	"unicode/utf8"
)

// RuneRange is the characters from Lo to Hi.
type RuneRange struct{ Lo, Hi rune }

// Surrogates are not characters, and UTF-8 cannot say them.
const surrogateMin, surrogateMax = 0xd800, 0xdfff

// inlineSequences is how many byte sequences a class may need before it becomes
// a rule of its own, drawn once.
const inlineSequences = 12

// Runes joins two nodes: the UTF-8 of one character of a class is read. The
// ranges are disjoint and ascending.
func (b *Builder) Runes(from Node, class []RuneRange, to Node) {
	if from == None || to == None {
		return
	}
	key := make([]byte, 0, 8*len(class))
	for _, r := range class {
		key = binary.LittleEndian.AppendUint32(key, uint32(r.Lo))
		key = binary.LittleEndian.AppendUint32(key, uint32(r.Hi))
	}
	rule, ok := b.classes[string(key)]
	if !ok {
		sequences := utf8Sequences(class)
		if len(sequences) <= inlineSequences {
			b.sequences(from, sequences, to)
			return
		}
		rule = b.Rule("a class of characters")
		b.classes[string(key)] = rule
		start, end := b.Body(rule)
		b.sequences(start, sequences, end)
	}
	b.Call(from, rule, to)
}

func (b *Builder) sequences(from Node, sequences [][]byteEdge, to Node) {
	for _, s := range sequences {
		at := from
		for i, e := range s {
			next := to
			if i < len(s)-1 {
				next = b.Node()
			}
			b.Byte(at, e.lo, e.hi, next)
			at = next
		}
	}
}

// utf8Sequences returns byte ranges, one after another in each sequence, that
// spell exactly the characters of a class.
func utf8Sequences(class []RuneRange) [][]byteEdge {
	var out [][]byteEdge
	for _, r := range class {
		if r.Lo < surrogateMin {
			out = appendSequences(out, r.Lo, min(r.Hi, surrogateMin-1))
		}
		if r.Hi > surrogateMax {
			out = appendSequences(out, max(r.Lo, surrogateMax+1), min(r.Hi, utf8.MaxRune))
		}
	}
	return out
}

// appendSequences splits lo to hi until the first and the last character differ
// only in trailing bytes that run over their whole range.
func appendSequences(out [][]byteEdge, lo, hi rune) [][]byteEdge {
	if lo > hi {
		return out
	}
	for _, last := range []rune{0x7f, 0x7ff, 0xffff} {
		if lo <= last && last < hi {
			return appendSequences(appendSequences(out, lo, last), last+1, hi)
		}
	}
	for bits := 6; bits <= 18 && hi > 0x7f; bits += 6 {
		low := rune(1)<<bits - 1
		if lo&^low == hi&^low {
			break
		}
		if lo&low != 0 {
			return appendSequences(appendSequences(out, lo, lo|low), (lo|low)+1, hi)
		}
		if hi&low != low {
			return appendSequences(appendSequences(out, lo, hi&^low-1), hi&^low, hi)
		}
	}
	first, last := utf8.AppendRune(nil, lo), utf8.AppendRune(nil, hi)
	sequence := make([]byteEdge, len(first))
	for i := range first {
		sequence[i] = byteEdge{lo: first[i], hi: last[i]}
	}
	return append(out, sequence)
}
