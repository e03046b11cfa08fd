package tokenizer

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
)

// ErrTooLong is a text of more tokens than wanted.
var ErrTooLong = errors.New("the text has too many tokens")

// Bound stops an encoding early.
type Bound struct {
	Context context.Context // the work stops with it
	Tokens  int             // more than these are ErrTooLong
}

// unbounded stops nothing.
func unbounded() Bound { return Bound{context.Background(), math.MaxInt} }

// output collects the ids of a text, within a bound.
type output struct {
	Bound
	ids   []int32
	steps int // since the context was looked at
	err   error
}

// lookEvery is the number of steps between looks at the context; a step takes less
// than a microsecond.
const lookEvery = 1 << 12

// step reports whether the work continues after n more steps.
func (o *output) step(n int) bool {
	if o.steps += n; o.steps >= lookEvery && o.err == nil {
		o.steps = 0
		if o.err = o.Context.Err(); o.err != nil {
			o.err = fmt.Errorf("encoding a text: %w", o.err)
		}
	}
	if o.err == nil && len(o.ids) > o.Tokens {
		o.err = ErrTooLong
	}
	return o.err == nil
}

// end returns what was collected.
func (o *output) end() ([]int32, error) {
	o.step(0)
	return o.ids, o.err
}

// encode appends the ids of text, which is valid UTF-8.
//
// It cuts the text between two characters that are adjacent in no piece: no merge
// can cross such a cut. So the segments between cuts, mostly words, are encoded
// independently, with short lists and small heaps.
func (b *bpe) encode(o *output, text string) {
	w, _ := b.segments.Get().(*segment)
	if w == nil {
		w = &segment{bpe: b}
	}
	defer func() {
		w.spans, w.queue = w.spans[:0], w.queue[:0]
		b.segments.Put(w)
	}()
	start, last := 0, int32(noSymbol)
	for at, r := range text {
		symbol, ok := b.symbols[r]
		if !ok {
			symbol = noSymbol
		}
		if _, joined := b.joints[pair(last, symbol)]; !joined {
			if w.encode(o, text[start:at]); o.err != nil {
				return
			}
			start = at
		}
		w.add(symbol, at-start)
		last = symbol
	}
	w.encode(o, text[start:])
}

// segment is the encoding of a part of a text. Its memory is reused.
type segment struct {
	bpe   *bpe
	spans []span
	queue mergeQueue
}

// span is a symbol of the text, in a list linked by index.
type span struct {
	symbol     int32
	start      int32 // byte
	prev, next int32 // spans, -1 at the ends
}

// add appends a character.
func (w *segment) add(symbol int32, start int) {
	i := int32(len(w.spans))
	if len(w.spans) == cap(w.spans) {
		w.spans = slices.Grow(w.spans, 1+len(w.spans)) // twice; append would copy large ones more often
	}
	w.spans = append(w.spans, span{symbol: symbol, start: int32(start), prev: i - 1, next: i + 1})
}

// encode appends the ids of the characters that were added, and removes them.
func (w *segment) encode(o *output, text string) {
	if text == "" {
		return
	}
	w.spans[len(w.spans)-1].next = -1
	if w.merge(o) {
		w.emit(o, text)
	}
	w.spans = w.spans[:0]
}

// merge merges what the vocabulary merges, and reports whether it was not stopped.
func (w *segment) merge(o *output) bool {
	if !o.step(len(w.spans)) {
		return false
	}
	for i := range w.spans {
		w.push(int32(i))
	}
	for len(w.queue) > 0 {
		if !o.step(1) {
			return false
		}
		c := w.queue.pop()
		left := &w.spans[c.left]
		if left.symbol != c.first || left.next < 0 || w.spans[left.next].symbol != c.next {
			continue // one of the two has been merged since
		}
		merged := &w.spans[left.next]
		left.symbol, left.next = c.result, merged.next
		merged.symbol, merged.next = noSymbol, -1
		if left.next >= 0 {
			w.spans[left.next].prev = c.left
		}
		w.push(c.left)
		if left.prev >= 0 {
			w.push(left.prev)
		}
	}
	return true
}

// push queues the merge of a span with the next one, if there is one.
func (w *segment) push(left int32) {
	right := w.spans[left].next
	if right < 0 {
		return
	}
	first, next := w.spans[left].symbol, w.spans[right].symbol
	if m, ok := w.bpe.merges[pair(first, next)]; ok {
		w.queue.push(candidate{first: first, next: next, merge: m, left: left})
	}
}

// emit appends what is left: pieces, and bytes for characters without one.
func (w *segment) emit(o *output, text string) {
	vocab := w.bpe.vocab
	for i := int32(0); i >= 0; i = w.spans[i].next {
		s := &w.spans[i]
		if s.symbol != noSymbol && int(s.symbol) < len(vocab.pieces) {
			o.ids = append(o.ids, s.symbol)
			continue
		}
		end := int32(len(text))
		if s.next >= 0 {
			end = w.spans[s.next].start
		}
		for _, c := range []byte(text[s.start:end]) {
			o.ids = append(o.ids, vocab.bytes[c])
		}
	}
}
