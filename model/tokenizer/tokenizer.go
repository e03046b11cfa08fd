package tokenizer

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"unicode/utf8"

	sentencepiece "github.com/eliben/go-sentencepiece"
)

// Tokenizer is immutable.
type Tokenizer struct {
	engine   *sentencepiece.Processor
	pieces   []piece
	bos, eos int32
}

// Piece is one run of a prompt: text to encode, or, when Special, the id ID as it is.
type Piece struct {
	Text    string
	Special bool
	ID      int32
}

// Load reads DIR/tokenizer.model.
func Load(dir string) (*Tokenizer, error) {
	path := filepath.Join(dir, "tokenizer.model")
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	t, err := parse(b)
	if err != nil {
		return nil, fmt.Errorf("tokenizer: %s: %w", path, err)
	}
	return t, nil
}

func parse(b []byte) (*Tokenizer, error) {
	pieces, bare, err := readModel(b)
	if err != nil {
		return nil, err
	}
	t := &Tokenizer{pieces: pieces, bos: -1, eos: -1}
	for i, p := range pieces {
		if p.kind == kindControl && p.text == "<s>" {
			t.bos = int32(i)
		}
		if p.kind == kindControl && p.text == "</s>" {
			t.eos = int32(i)
		}
		if _, ok := byteValue(p); p.kind == kindByte && !ok {
			return nil, fmt.Errorf("piece %d: %q is no byte", i, p.text)
		}
	}
	if t.bos < 0 || t.eos < 0 {
		return nil, fmt.Errorf("no control pieces <s> and </s>")
	}
	t.engine, err = sentencepiece.NewProcessor(bytes.NewReader(bare))
	return t, err
}

func byteValue(p piece) (byte, bool) {
	if p.kind != kindByte || len(p.text) != 6 || p.text[:3] != "<0x" || p.text[5] != '>' {
		return 0, false
	}
	n, err := strconv.ParseUint(p.text[3:5], 16, 8)
	return byte(n), err == nil
}

// Vocab returns the number of ids.
func (t *Tokenizer) Vocab() int { return len(t.pieces) }

// BOS returns the id of <s>.
func (t *Tokenizer) BOS() int32 { return t.bos }

// EOS returns the id of </s>.
func (t *Tokenizer) EOS() int32 { return t.eos }

// Encode returns the ids of one run of plain text, without BOS. Names of special tokens in text stay text; a byte
// that is not UTF-8 counts as U+FFFD.
func (t *Tokenizer) Encode(text string) []int32 {
	if text == "" {
		return nil
	}
	tokens := t.engine.Encode(" " + string([]rune(text)))
	ids := make([]int32, len(tokens))
	for i, token := range tokens {
		ids[i] = int32(token.ID)
	}
	return ids
}

// EncodePieces encodes each run on its own and splices special ids between them.
func (t *Tokenizer) EncodePieces(pieces []Piece) []int32 {
	var ids []int32
	for _, p := range pieces {
		if p.Special {
			ids = append(ids, p.ID)
		} else {
			ids = append(ids, t.Encode(p.Text)...)
		}
	}
	return ids
}

// TokenBytes returns the bytes id stands for; none for special and unknown ids.
func (t *Tokenizer) TokenBytes(id int32) []byte {
	if id < 0 || int(id) >= len(t.pieces) {
		return nil
	}
	p := t.pieces[id]
	if v, ok := byteValue(p); ok {
		return []byte{v}
	}
	if p.kind == kindControl || p.kind == kindUnknown {
		return nil
	}
	return []byte(strings.ReplaceAll(p.text, "▁", " "))
}

// Decode returns the text of ids without the dummy prefix; it is what a Decoder gives in all.
func (t *Tokenizer) Decode(ids []int32) string {
	d := t.NewDecoder()
	var s strings.Builder
	for _, id := range ids {
		s.WriteString(d.Next(id))
	}
	s.WriteString(d.Flush())
	return s.String()
}

// Decoder turns ids into text as they come. One goroutine at a time.
type Decoder struct {
	t       *Tokenizer
	started bool
	pending []byte
}

// NewDecoder starts at the beginning of an answer.
func (t *Tokenizer) NewDecoder() *Decoder { return &Decoder{t: t} }

// Next returns the text that id completes: whole characters only.
func (d *Decoder) Next(id int32) string {
	b := d.t.TokenBytes(id)
	if !d.started && len(b) > 0 {
		d.started = true
		if b[0] == ' ' && d.t.pieces[id].kind != kindByte {
			b = b[1:]
		}
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
