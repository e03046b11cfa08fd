package tokenizer

import (
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// Tokenizer is immutable and safe for concurrent use.
type Tokenizer struct {
	vocab      *vocabulary
	bpe        *bpe
	prefix     prefix
	stripSpace bool
	addBOS     bool
	addEOS     bool
	specials   map[string]string
	added      map[int32]addedToken
	bos, eos   int32

	shown map[int32]bool // special tokens that stand for their texts

	control  matcher // special tokens; looked for in no text but a template's
	inRaw    matcher // tokens found whole before spaces become marks
	inNormal matcher // and after
}

// Piece is one run of a prompt: text to encode, or, when Special, the id ID as it is.
type Piece struct {
	Text    string
	Special bool
	ID      int32
}

// Vocab returns the number of ids.
func (t *Tokenizer) Vocab() int { return len(t.vocab.pieces) }

// BOS returns the id of the token that begins a prompt.
func (t *Tokenizer) BOS() int32 { return t.bos }

// EOS returns the id of the token that ends an answer.
func (t *Tokenizer) EOS() int32 { return t.eos }

// Specials returns the texts of the special tokens by their names in
// tokenizer_config.json: bos_token, eos_token and what else is set.
func (t *Tokenizer) Specials() map[string]string { return maps.Clone(t.specials) }

// Prompt returns the ids of a prompt that is plain text: BOS, unless the
// checkpoint says add_bos_token false, the text, and EOS if it says add_eos_token
// true.
func (t *Tokenizer) Prompt(text string) []int32 {
	ids, _ := t.PromptWithin(unbounded(), text)
	return ids
}

// PromptWithin is Prompt within a bound. The error is ErrTooLong or the context's;
// the ids then are the first of the prompt.
func (t *Tokenizer) PromptWithin(b Bound, text string) ([]int32, error) {
	o := output{Bound: b}
	if t.addBOS {
		o.ids = append(o.ids, t.bos)
	}
	t.encode(&o, text, true)
	if t.addEOS {
		o.ids = append(o.ids, t.eos)
	}
	return o.end()
}

// Encode returns the ids of a plain text at the beginning of a prompt, without
// BOS. Names of special tokens in text stay text; a byte that is not UTF-8
// counts as U+FFFD. The time is n log n in the length of text.
func (t *Tokenizer) Encode(text string) []int32 {
	ids, _ := t.EncodeWithin(unbounded(), text)
	return ids
}

// EncodeWithin is Encode within a bound, as PromptWithin is Prompt.
func (t *Tokenizer) EncodeWithin(b Bound, text string) ([]int32, error) {
	o := output{Bound: b}
	t.encode(&o, text, true)
	return o.end()
}

// EncodePieces encodes each run on its own and splices special ids between them.
func (t *Tokenizer) EncodePieces(pieces []Piece) []int32 {
	ids, _ := t.EncodePiecesWithin(unbounded(), pieces)
	return ids
}

// EncodePiecesWithin is EncodePieces within a bound, as PromptWithin is Prompt.
func (t *Tokenizer) EncodePiecesWithin(b Bound, pieces []Piece) ([]int32, error) {
	o := output{Bound: b}
	for i, p := range pieces {
		if p.Special {
			o.ids = append(o.ids, p.ID)
		} else {
			t.encode(&o, p.Text, i == 0)
		}
		if !o.step(1) {
			break
		}
	}
	return o.end()
}

func (t *Tokenizer) encode(o *output, text string, atStart bool) {
	if !utf8.ValidString(text) {
		text = string([]rune(text)) // U+FFFD for every byte, not for a run of them
	}
	for text != "" && o.err == nil {
		start, end, id := t.inRaw.find(text)
		t.encodeRun(o, text[:start], atStart)
		if id >= 0 {
			o.ids = append(o.ids, id)
		}
		text, atStart = text[end:], false
	}
}

func (t *Tokenizer) encodeRun(o *output, text string, atStart bool) {
	for text = t.prefix.apply(text, atStart); text != "" && o.step(1); {
		start, end, id := t.inNormal.find(text)
		t.bpe.encode(o, text[:start])
		if id >= 0 {
			o.ids = append(o.ids, id)
		}
		text = text[end:]
	}
}

// Longest returns the maximum number of bytes of text that a token stands for, at
// least 1.
func (t *Tokenizer) Longest() int { return t.vocab.longest }

// Least returns a number of tokens that a text has at least, by its length only.
func (t *Tokenizer) Least(text string) int {
	// A mark in the text itself is spelled as a space.
	return (len(text) - (len(meta)-1)*strings.Count(text, meta)) / t.vocab.longest
}

// FindSpecial returns the first special token in the text of a template,
// text[start:end]; without one it is empty, at the end of text, and id is -1.
// Text that users wrote must not be searched.
func (t *Tokenizer) FindSpecial(text string) (start, end int, id int32) { return t.control.find(text) }

// Reserve returns a tokenizer that also treats the added tokens for which
// reserve is true as special: it finds them in templates and in no other text.
func (t *Tokenizer) Reserve(reserve func(token string) bool) *Tokenizer {
	out := *t
	out.fillMatchers(reserve)
	return &out
}

// Show returns a tokenizer for which some special tokens stand for their texts, as
// the other tokens do: in decoded text and in TokenBytes. What it encodes is the
// same.
func (t *Tokenizer) Show(ids []int32) *Tokenizer {
	out := *t
	out.shown = map[int32]bool{}
	for _, id := range ids {
		out.shown[id] = true
	}
	return &out
}

// Shown returns the ids that Show was given, in ascending order.
func (t *Tokenizer) Shown() []int32 { return slices.Sorted(maps.Keys(t.shown)) }

// TokenBytes returns the bytes id stands for; none for special and unknown ids.
func (t *Tokenizer) TokenBytes(id int32) []byte {
	if id < 0 || int(id) >= len(t.vocab.pieces) {
		return nil
	}
	switch p := t.vocab.pieces[id]; p.kind {
	case byteValue:
		b, _ := parseByte(p.text)
		return []byte{b}
	case control, unknown:
		if t.shown[id] {
			return []byte(p.text)
		}
		return nil
	default:
		return []byte(strings.ReplaceAll(p.text, meta, " "))
	}
}
