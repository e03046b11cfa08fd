package jinja

import (
	"strings"
	"unicode"
)

// Char is a character and its author.
type Char struct {
	Rune rune
	From int32 // FromTemplate, or what the caller of Data chose
}

// FromTemplate marks the template's own characters, and those that are
// computed: digits of a number, letters of a type.
const FromTemplate = 0

// Text is a string of a template. As in Python, its elements are code points.
// Texts are never changed in place.
type Text []Char

// Data is a text written by from; bytes that are not UTF-8 become U+FFFD.
func Data(s string, from int32) Text {
	t := make(Text, 0, len(s))
	for _, r := range s {
		t = append(t, Char{r, from})
	}
	return t
}

// own is a text of the template.
func own(s string) Text { return Data(s, FromTemplate) }

// String drops the authors of a text.
func (t Text) String() string {
	var s strings.Builder
	s.Grow(len(t))
	for _, c := range t {
		s.WriteRune(c.Rune)
	}
	return s.String()
}

// equal compares characters, not authors.
func (t Text) equal(u Text) bool { return len(t) == len(u) && t.hasPrefix(u) }

func (t Text) hasPrefix(u Text) bool {
	if len(u) > len(t) {
		return false
	}
	for i := range u {
		if t[i].Rune != u[i].Rune {
			return false
		}
	}
	return true
}

func (t Text) hasSuffix(u Text) bool { return len(u) <= len(t) && t[len(t)-len(u):].hasPrefix(u) }

// compare orders texts by code point.
func (t Text) compare(u Text) int {
	for i := range min(len(t), len(u)) {
		if d := t[i].Rune - u[i].Rune; d != 0 {
			return int(d)
		}
	}
	return len(t) - len(u)
}

// index is the index of u in t, from an index on, or -1.
func (t Text) index(u Text, from int) int {
	for i := from; i+len(u) <= len(t); i++ {
		if t[i:].hasPrefix(u) {
			return i
		}
	}
	return -1
}

// lastIndex is the last index of u in t, or -1.
func (t Text) lastIndex(u Text) int {
	for i := len(t) - len(u); i >= 0; i-- {
		if t[i:].hasPrefix(u) {
			return i
		}
	}
	return -1
}

// concat makes one text of many.
func concat(parts ...Text) Text {
	n := 0
	for _, p := range parts {
		n += len(p)
	}
	out := make(Text, 0, n)
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}

// join puts t between parts.
func (t Text) join(parts []Text) Text {
	var out Text
	for i, p := range parts {
		if i > 0 {
			out = append(out, t...)
		}
		out = append(out, p...)
	}
	return out
}

// replace replaces old by by, at most limit times; limit < 0 is no limit. An
// empty old stands before every character and at the end.
func (t Text) replace(old, by Text, limit int) Text {
	var out Text
	at := 0
	for n := 0; limit < 0 || n < limit; n++ {
		next := t.index(old, at)
		if len(old) == 0 {
			if n > len(t) {
				break
			}
			next = min(n, len(t))
			out = append(out, t[at:next]...)
			out = append(out, by...)
			at = next
			continue
		}
		if next < 0 {
			break
		}
		out = append(out, t[at:next]...)
		out = append(out, by...)
		at = next + len(old)
	}
	return append(out, t[at:]...)
}

// trim removes characters of set from the ends; a nil set is white space.
func (t Text) trim(set Text, left, right bool) Text {
	in := func(r rune) bool {
		if set == nil {
			return isSpace(r)
		}
		for _, c := range set {
			if c.Rune == r {
				return true
			}
		}
		return false
	}
	for left && len(t) > 0 && in(t[0].Rune) {
		t = t[1:]
	}
	for right && len(t) > 0 && in(t[len(t)-1].Rune) {
		t = t[:len(t)-1]
	}
	return t
}

// split cuts at sep, at most limit times; limit < 0 is no limit. A nil sep is
// any run of white space, and then empty parts are left out.
func (t Text) split(sep Text, limit int) []Text {
	parts := []Text{}
	if sep == nil {
		for t = t.trim(nil, true, false); len(t) > 0; t = t.trim(nil, true, false) {
			n := 0
			for n < len(t) && !isSpace(t[n].Rune) {
				n++
			}
			if limit >= 0 && len(parts) == limit {
				return append(parts, t)
			}
			parts, t = append(parts, t[:n]), t[n:]
		}
		return parts
	}
	for limit < 0 || len(parts) < limit {
		at := t.index(sep, 0)
		if at < 0 {
			break
		}
		parts, t = append(parts, t[:at]), t[at+len(sep):]
	}
	return append(parts, t)
}

// rsplit cuts at sep from the right.
func (t Text) rsplit(sep Text, limit int) []Text {
	var tail []Text
	for limit < 0 || len(tail) < limit {
		at := t.lastIndex(sep)
		if at < 0 {
			break
		}
		tail, t = append(tail, t[at+len(sep):]), t[:at]
	}
	parts := []Text{t}
	for i := len(tail) - 1; i >= 0; i-- {
		parts = append(parts, tail[i])
	}
	return parts
}

// lines cuts at line ends as Python does and leaves the ends out.
func (t Text) lines() []Text {
	parts := []Text{}
	start := 0
	for i := 0; i < len(t); i++ {
		switch t[i].Rune {
		case '\n', '\r', '\v', '\f', 0x1c, 0x1d, 0x1e, 0x85, 0x2028, 0x2029:
			parts = append(parts, t[start:i])
			if t[i].Rune == '\r' && i+1 < len(t) && t[i+1].Rune == '\n' {
				i++
			}
			start = i + 1
		}
	}
	if start < len(t) {
		parts = append(parts, t[start:])
	}
	return parts
}

// mapped replaces every character by f of it.
func (t Text) mapped(f func(string) string) Text {
	out := make(Text, 0, len(t))
	for _, c := range t {
		for _, r := range f(string(c.Rune)) {
			out = append(out, Char{r, c.From})
		}
	}
	return out
}

// upper is Python's, with the one special case that text is likely to meet.
func (t Text) upper() Text {
	return t.mapped(func(s string) string {
		if s == "ß" {
			return "SS"
		}
		return strings.ToUpper(s)
	})
}

func (t Text) lower() Text { return t.mapped(strings.ToLower) }

func (t Text) capitalize() Text {
	if len(t) == 0 {
		return t
	}
	return concat(t[:1].mapped(strings.ToTitle), t[1:].lower())
}

// title makes the first cased letter of every word upper case; starts tells
// whether a word starts after r.
func (t Text) title(starts func(r rune) bool) Text {
	var out Text
	last := ' '
	for _, c := range t {
		one := Text{c}
		if starts(last) {
			one = one.mapped(strings.ToTitle)
		} else {
			one = one.lower()
		}
		out = append(out, one...)
		last = c.Rune
	}
	return out
}

// isSpace is Python's str.isspace.
func isSpace(r rune) bool { return unicode.IsSpace(r) || 0x1c <= r && r <= 0x1f }
