package completion

import (
	"strings"
	"unicode/utf8"

	"github.com/hachi-serve/hachi/internal/router/engine"
	"github.com/hachi-serve/hachi/internal/text/tokenizer"
	"github.com/hachi-serve/hachi/internal/text/tool"
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
	parser   *tool.Parser // nil: all of it is the answer's text
	stops    []string
	unread   string // decoded but not parsed
	held     string // text of the answer that is not released: may be the start of a stop text
	decoded  int    // bytes
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
	w := waiting{token: Token{e, t.runes}, start: t.decoded, end: unknown}
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
	t.unread += s
	t.decoded += len(s)
	t.runes += utf8.RuneCountInString(s)
	for i := range t.waiting {
		if t.waiting[i].end == unknown {
			t.waiting[i].end = t.decoded
		}
	}
}

// release adds the parts and the tokens that became final to a delta, and reports
// whether a stop text was found. Final says that nothing more will come, stoppable
// that the answer is long enough to be stopped. Only the text of an answer can have
// a stop text, not reasoning and calls.
func (t *text) release(d *Delta, final, stoppable bool) (stopped bool) {
	stops := t.stops
	if !stoppable {
		stops = nil
	}
	for _, e := range t.parse(final) {
		if e.Kind == tool.Text {
			t.held += e.Text
			if at, stop := firstOf(t.held, stops); at >= 0 {
				d.StopText = stop
				t.say(d, at)
				t.held = ""
				d.Tokens = append(d.Tokens, t.take(func(w waiting) bool { return w.start < t.released })...)
				return true
			}
			continue
		}
		t.say(d, len(t.held))
		t.released += e.Size
		d.addEvent(e)
	}
	keep := 0
	if !final {
		keep = startOf(t.held, stops)
	}
	t.say(d, len(t.held)-keep)
	d.Tokens = append(d.Tokens, t.take(func(w waiting) bool { return final || (w.end != unknown && w.end <= t.released) })...)
	return false
}

// parse returns what is certain of the text that was decoded.
func (t *text) parse(final bool) []tool.Event {
	unread := t.unread
	t.unread = ""
	if t.parser != nil {
		return t.parser.Read(unread, final)
	}
	return []tool.Event{{Kind: tool.Text, Text: unread, Size: len(unread)}}
}

// say releases n bytes of the text that is held.
func (t *text) say(d *Delta, n int) {
	if n > 0 {
		d.add(Part{Kind: Text, Text: t.held[:n]})
	}
	t.held, t.released = t.held[n:], t.released+n
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
func firstOf(s string, stops []string) (first int, found string) {
	first = -1
	for _, stop := range stops {
		if at := strings.Index(s, stop); at >= 0 && (first < 0 || at < first) {
			first, found = at, stop
		}
	}
	return first, found
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
