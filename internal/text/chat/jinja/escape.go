package jinja

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// unescape reads the escapes of a Python string literal. An unknown escape keeps
// its backslash.
func unescape(line int, s string) string {
	var out strings.Builder
	for s != "" {
		at := strings.IndexByte(s, '\\')
		if at < 0 || at+1 == len(s) {
			break
		}
		out.WriteString(s[:at])
		s = s[at+1:]
		if r, ok := simpleEscapes[s[0]]; ok {
			out.WriteString(r)
			s = s[1:]
			continue
		}
		n, ok := codeEscape(line, s, &out)
		if !ok {
			out.WriteByte('\\')
		}
		s = s[n:]
	}
	return out.String() + s
}

var simpleEscapes = map[byte]string{
	'n': "\n", 't': "\t", 'r': "\r", '\\': "\\", '\'': "'", '"': "\"", 'a': "\a", 'b': "\b", 'f': "\f", 'v': "\v", '\n': "",
}

// codeEscape reads \x41, A, \U00000041 or \101 behind the backslash and
// returns how much of s it used.
func codeEscape(line int, s string, out *strings.Builder) (int, bool) {
	base, first, last := 16, 1, 1
	switch {
	case s[0] == 'x':
		last = 3
	case s[0] == 'u':
		last = 5
	case s[0] == 'U':
		last = 9
	case s[0] == 'N':
		fail(line, "the escape \\N is not supported")
	case '0' <= s[0] && s[0] <= '7':
		base, first = 8, 0
		for last < min(3, len(s)) && '0' <= s[last] && s[last] <= '7' {
			last++
		}
	default:
		return 0, false
	}
	if last > len(s) {
		fail(line, "the escape \\%s is cut", s)
	}
	code, err := strconv.ParseUint(s[first:last], base, 32)
	if err != nil || code > utf8.MaxRune || !utf8.ValidRune(rune(code)) {
		fail(line, "the escape \\%s is no character", s[:last])
	}
	out.WriteRune(rune(code))
	return last, true
}
