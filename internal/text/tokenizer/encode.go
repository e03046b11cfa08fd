package tokenizer

// encode appends the ids of text, which is valid UTF-8.
//
// It cuts the text between two characters that are adjacent in no piece: no merge
// can cross such a cut. So the segments between cuts, mostly words, are encoded
// independently, with short lists and small heaps.
func (b *bpe) encode(dst []int32, text string) []int32 {
	w := segment{bpe: b}
	start, last := 0, int32(noSymbol)
	for at, r := range text {
		symbol, ok := b.symbols[r]
		if !ok {
			symbol = noSymbol
		}
		if _, joined := b.joints[pair(last, symbol)]; !joined {
			dst = w.encode(dst, text[start:at])
			start = at
		}
		w.add(symbol, at-start)
		last = symbol
	}
	return w.encode(dst, text[start:])
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
	start      int // byte
	prev, next int // spans, -1 at the ends
}

// add appends a character.
func (w *segment) add(symbol int32, start int) {
	i := len(w.spans)
	w.spans = append(w.spans, span{symbol: symbol, start: start, prev: i - 1, next: i + 1})
}

// encode appends the ids of the characters that were added, and removes them.
func (w *segment) encode(dst []int32, text string) []int32 {
	if text == "" {
		return dst
	}
	w.spans[len(w.spans)-1].next = -1
	w.merge()
	dst = w.emit(dst, text)
	w.spans = w.spans[:0]
	return dst
}

func (w *segment) merge() {
	for i := range w.spans {
		w.push(i)
	}
	for len(w.queue) > 0 {
		c := w.queue.pop()
		left := &w.spans[c.left]
		if left.next < 0 || pair(left.symbol, w.spans[left.next].symbol) != c.pair {
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
}

// push queues the merge of a span with the next one, if there is one.
func (w *segment) push(left int) {
	right := w.spans[left].next
	if right < 0 {
		return
	}
	p := pair(w.spans[left].symbol, w.spans[right].symbol)
	if m, ok := w.bpe.merges[p]; ok {
		w.queue.push(candidate{pair: p, merge: m, left: left})
	}
}

// emit appends what is left: pieces, and bytes for characters without one.
func (w *segment) emit(dst []int32, text string) []int32 {
	vocab := w.bpe.vocab
	for i := 0; i >= 0; i = w.spans[i].next {
		s := &w.spans[i]
		if s.symbol != noSymbol && int(s.symbol) < len(vocab.pieces) {
			dst = append(dst, s.symbol)
			continue
		}
		end := len(text)
		if s.next >= 0 {
			end = w.spans[s.next].start
		}
		for _, c := range []byte(text[s.start:end]) {
			dst = append(dst, vocab.bytes[c])
		}
	}
	return dst
}
