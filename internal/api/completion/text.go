package completion

import (
	"strings"
	"unicode/utf8"

	"github.com/hachi-serve/hachi/internal/router/engine"
	"github.com/hachi-serve/hachi/internal/text/tokenizer"
)

// Token is a token of an answer, or of its prompt.
type Token struct {
	engine.Event
	// Offset is the place of its text in the answer, or with Echo in prompt
	// and answer, in characters (Unicode code points).
	Offset int
}

// text is an answer's text: what is decoded, and how much of that is released.
// Positions are bytes of the decoded text.
type text struct {
	decoder  *tokenizer.Decoder
	stops    []string
	held     string // decoded but not released: may be the start of a stop text
	released int    // bytes
	runes    int    // code points decoded, from where offsets count
	waiting  []waiting
}

// waiting is a token whose text is not released yet.
type waiting struct {
	token      Token
	start, end int // of its text; end is unknown while it is half a character
}

const unknown = -1

// add decodes a token.
func (t *text) add(e engine.Event) {
	w := waiting{token: Token{e, t.runes}, start: t.released + len(t.held), end: unknown}
	t.waiting = append(t.waiting, w)
	t.grow(t.decoder.Next(e.Token))
}

// flush decodes what is left of a last, half character.
func (t *text) flush() { t.grow(t.decoder.Flush()) }

// grow appends decoded text. It ends the text of every token that waited for
// the rest of a character.
func (t *text) grow(s string) {
	if s == "" {
		return
	}
	t.held += s
	t.runes += utf8.RuneCountInString(s)
	for i := range t.waiting {
		if t.waiting[i].end == unknown {
			t.waiting[i].end = t.released + len(t.held)
		}
	}
}

// release returns the text and the tokens that became final, and whether a
// stop text was found. Final says that nothing more will come, stoppable that
// the answer is long enough to be stopped.
func (t *text) release(final, stoppable bool) (string, []Token, bool) {
	stops := t.stops
	if !stoppable {
		stops = nil
	}
	if at := firstOf(t.held, stops); at >= 0 {
		s := t.held[:at]
		t.held, t.released = "", t.released+at
		return s, t.take(func(w waiting) bool { return w.start < t.released }), true
	}
	keep := 0
	if !final {
		keep = startOf(t.held, stops)
	}
	s := t.held[:len(t.held)-keep]
	t.held, t.released = t.held[len(s):], t.released+len(s)
	return s, t.take(func(w waiting) bool { return final || (w.end != unknown && w.end <= t.released) }), false
}

// take removes the leading tokens that are out.
func (t *text) take(out func(waiting) bool) []Token {
	var tokens []Token
	for len(t.waiting) > 0 && out(t.waiting[0]) {
		tokens = append(tokens, t.waiting[0].token)
		t.waiting = t.waiting[1:]
	}
	return tokens
}

// firstOf finds the first place of any of the stop texts; -1 if there is none.
func firstOf(s string, stops []string) int {
	first := -1
	for _, stop := range stops {
		if at := strings.Index(s, stop); at >= 0 && (first < 0 || at < first) {
			first = at
		}
	}
	return first
}

// startOf is the length of the longest end of s that begins a stop text.
func startOf(s string, stops []string) int {
	longest := 0
	for _, stop := range stops {
		for n := min(len(stop)-1, len(s)); n > longest; n-- {
			if strings.HasSuffix(s, stop[:n]) {
				longest = n
			}
		}
	}
	return longest
}
