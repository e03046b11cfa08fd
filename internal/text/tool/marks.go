package tool

import (
	"slices"
	"strings"
)

// reader reads a mark byte by byte.
type reader struct {
	mark string
	at   int
	gap  int // what was read of the gap at: 0 nothing, 1 a blank, 2+n a line end and n blanks
}

// read takes a byte. It reports false, and has changed nothing but the end of a
// gap, when the mark does not go on with it.
func (r *reader) read(b byte) bool {
	for ; r.at < len(r.mark) && r.mark[r.at] == ' '; r.at, r.gap = r.at+1, 0 {
		switch {
		case r.gap == 0 && b == ' ':
			r.gap = 1
			return true
		case r.gap == 0 && b == '\n':
			r.gap = 2
			return true
		case r.gap >= 2 && r.gap-2 < MaxIndent && b == ' ':
			r.gap++
			return true
		}
	}
	if r.at < len(r.mark) && r.mark[r.at] == b {
		r.at++
		return true
	}
	return false
}

// ended reports that the mark was read, but perhaps for a gap at its end.
func (r *reader) ended() bool { return strings.Trim(r.mark[r.at:], " ") == "" }

// closed reports that the mark was read, and no gap can go on.
func (r *reader) closed() bool { return r.at == len(r.mark) }

// white is what JSON and marks have between their parts.
const white = " \t\r\n"

// match says whether a text that may go on begins with a mark.
type match int

const (
	no match = iota
	perhaps
	yes
)

// begins reports whether a text begins with a literal.
func begins(text, literal string) match {
	switch {
	case strings.HasPrefix(text, literal):
		return yes
	case strings.HasPrefix(literal, text):
		return perhaps
	}
	return no
}

// opens reports whether a text begins with calls.
func (s *Syntax) opens(text string) match {
	f := s.Format
	if f.Marker != "" {
		return marked(f.Marker, text)
	}
	found, name, end := header(f.Begin, text)
	if found != yes {
		return found
	}
	if !slices.Contains(s.Names, name) {
		return no
	}
	r := reader{mark: f.Between}
	for end < len(text) && r.read(text[end]) {
		end++
	}
	switch {
	case end == len(text):
		return perhaps
	case r.ended() && text[end] == '{':
		return yes
	}
	return no
}

// marked reports whether a text begins with a mark.
func marked(mark, text string) match {
	r := reader{mark: mark}
	for i := range len(text) {
		if r.closed() {
			return yes
		}
		if !r.read(text[i]) {
			return no
		}
	}
	if r.closed() {
		return yes
	}
	return perhaps
}

// header reads a mark and a name, and returns the name and where it ends.
func header(mark, text string) (found match, name string, end int) {
	r := reader{mark: mark}
	n := 0
	for n < len(text) && !r.closed() && r.read(text[n]) {
		n++
	}
	if n == len(text) {
		return perhaps, "", 0
	}
	if !r.ended() {
		return no, "", 0
	}
	end = n
	for end < len(text) && IsNameByte(text[end]) {
		end++
	}
	switch {
	case end == len(text):
		return perhaps, "", 0
	case end == n:
		return no, "", 0
	}
	return yes, text[n:end], end
}

// leading is the number of blanks and line ends, up to MaxLead, that a text begins
// with.
func leading(text string) int {
	n := 0
	for n < min(MaxLead, len(text)) && (text[n] == ' ' || text[n] == '\n') {
		n++
	}
	return n
}

// overlap is the length of the longest end of a text that begins a literal.
func overlap(text, literal string) int {
	for n := min(len(literal)-1, len(text)); n > 0; n-- {
		if strings.HasSuffix(text, literal[:n]) {
			return n
		}
	}
	return 0
}
