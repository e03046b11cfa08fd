package tokenizer

// encode appends the ids of text, which is valid UTF-8.
//
// It cuts the text wherever two neighbors are neighbors in no piece: no
// merge can reach across, so the stretches between, mostly words, are encoded
// on their own, with short lists and small heaps.
func (b *bpe) encode(dst []int32, text string) []int32 {
	w := stretch{bpe: b}
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

// stretch is the work on a part of a text; its memory is used again.
type stretch struct {
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
func (w *stretch) add(symbol int32, start int) {
	i := len(w.spans)
	w.spans = append(w.spans, span{symbol: symbol, start: start, prev: i - 1, next: i + 1})
}

// encode appends the ids of text, whose characters were added, and forgets it.
func (w *stretch) encode(dst []int32, text string) []int32 {
	if text == "" {
		return dst
	}
	w.spans[len(w.spans)-1].next = -1
	w.merge()
	dst = w.emit(dst, text)
	w.spans = w.spans[:0]
	return dst
}

func (w *stretch) merge() {
	for i := range w.spans {
		w.push(i)
	}
	for len(w.queue) > 0 {
		c := w.queue.pop()
		left := &w.spans[c.left]
		if left.next < 0 || pair(left.symbol, w.spans[left.next].symbol) != c.pair {
			continue // one of the two has been merged since
		}
		gone := &w.spans[left.next]
		left.symbol, left.next = c.result, gone.next
		gone.symbol, gone.next = noSymbol, -1
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
func (w *stretch) push(left int) {
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
func (w *stretch) emit(dst []int32, text string) []int32 {
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
