package tokenizer

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// Decode returns the text of ids: all that a Decoder emits for them.
func (t *Tokenizer) Decode(ids []int32) string {
	d := t.NewDecoder()
	var s strings.Builder
	for _, id := range ids {
		s.WriteString(d.Next(id))
	}
	s.WriteString(d.Flush())
	return s.String()
}

// FirstBytes returns the bytes id stands for as the first of an answer: there
// the blank that SentencePiece puts before a text is dropped.
func (t *Tokenizer) FirstBytes(id int32) []byte {
	if t.stripSpace {
		return bytes.TrimPrefix(t.TokenBytes(id), []byte(" "))
	}
	return t.TokenBytes(id)
}

// Decoder turns ids into text as they come. One goroutine at a time.
type Decoder struct {
	t       *Tokenizer
	started bool
	pending []byte // at most the beginning of one character
}

// NewDecoder starts at the beginning of an answer.
func (t *Tokenizer) NewDecoder() *Decoder { return &Decoder{t: t} }

// Next returns the text that id completes: whole characters only.
func (d *Decoder) Next(id int32) string {
	b := d.t.TokenBytes(id)
	if !d.started && len(b) > 0 {
		d.started = true
		b = d.t.FirstBytes(id)
	}
	d.pending = append(d.pending, b...)
	return d.drain(false)
}

// Flush returns what is left; bytes that never became a character are U+FFFD.
func (d *Decoder) Flush() string { return d.drain(true) }

func (d *Decoder) drain(all bool) string {
	var s strings.Builder
	for len(d.pending) > 0 && (all || utf8.FullRune(d.pending)) {
		r, n := utf8.DecodeRune(d.pending)
		s.WriteRune(r)
		d.pending = d.pending[n:]
	}
	return s.String()
}
