package jinja

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// lexer cuts a template into tokens, with trim_blocks and lstrip_blocks on, as
// Hugging Face sets them: the line end behind a block goes, and so does the
// space before it on its line.
type lexer struct {
	src       string
	at        int
	line      int
	lineStart bool // the last tag ended with a line end
	tokens    []token
}

// lex fails by panic with an *Error.
func lex(src string) []token {
	src = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(src)
	l := &lexer{src: strings.TrimSuffix(src, "\n"), line: 1, lineStart: true}
	for l.at < len(l.src) {
		l.root()
	}
	l.emit(tokenEnd, "")
	return l.tokens
}

func (l *lexer) emit(kind tokenKind, text string) {
	l.tokens = append(l.tokens, token{kind, text, l.line})
}

func (l *lexer) rest() string { return l.src[l.at:] }

// take moves on by n bytes.
func (l *lexer) take(n int) string {
	s := l.src[l.at : l.at+n]
	l.line += strings.Count(s, "\n")
	l.at += n
	return s
}

// root takes text up to the next tag, and the tag.
func (l *lexer) root() {
	n, rest := 0, l.rest()
	for ; n < len(rest); n++ {
		if n+1 < len(rest) && rest[n] == '{' && strings.IndexByte("{%#", rest[n+1]) >= 0 {
			break
		}
	}
	if n == len(rest) {
		l.data(l.take(n))
		return
	}
	open := rest[n : n+2]
	_, sign := cutSign(rest[n+2:])
	text := l.before(rest[:n], sign, open != "{{")
	l.data(text)
	l.take(n + 2)
	if sign != 0 {
		l.take(1)
	}
	switch open {
	case "{#":
		l.comment()
	case "{{":
		l.emit(tokenVariableBegin, "{{")
		l.tag("}}", tokenVariableEnd)
	case "{%":
		if body, ok := l.raw(); ok {
			l.data(body)
			return
		}
		l.emit(tokenBlockBegin, "{%")
		l.tag("%}", tokenBlockEnd)
	}
}

// before is text that stands before a tag that begins with sign.
func (l *lexer) before(text string, sign byte, block bool) string {
	if sign == '-' {
		return strings.TrimRightFunc(text, isSpace)
	}
	line := strings.LastIndexByte(text, '\n') + 1
	if sign == 0 && block && (line > 0 || l.lineStart) && strings.TrimLeftFunc(text[line:], isSpace) == "" {
		return text[:line]
	}
	return text
}

func (l *lexer) data(text string) {
	if text != "" {
		l.emit(tokenData, text)
	}
}

func (l *lexer) comment() {
	end := strings.Index(l.rest(), "#}")
	if end < 0 {
		fail(l.line, "a comment is not closed")
	}
	sign := byte(0)
	if end > 0 {
		sign = l.rest()[end-1]
	}
	l.take(end + 2)
	l.closed(sign, true)
}

// closed takes the space behind a tag that ended with sign.
func (l *lexer) closed(sign byte, block bool) {
	before := l.at
	switch {
	case sign == '-':
		l.take(len(l.rest()) - len(strings.TrimLeftFunc(l.rest(), isSpace)))
	case sign != '+' && block && strings.HasPrefix(l.rest(), "\n"):
		l.take(1)
	}
	l.lineStart = l.at > before && l.src[l.at-1] == '\n'
}

// raw takes {% raw %} ... {% endraw %}; the opening {% is taken already.
func (l *lexer) raw() (string, bool) {
	const none = ""
	head, ok := strings.CutPrefix(strings.TrimLeftFunc(l.rest(), isSpace), "raw")
	if !ok {
		return none, false
	}
	head = strings.TrimLeftFunc(head, isSpace)
	trim := strings.HasPrefix(head, "-%}")
	if !trim && !strings.HasPrefix(head, "%}") {
		return none, false
	}
	l.take(len(l.rest()) - len(head))
	l.take(strings.Index(head, "}") + 1)
	if trim {
		l.closed('-', true)
	}
	l.lineStart = false
	for end := 0; ; end += 2 {
		next := strings.Index(l.rest()[end:], "{%")
		if next < 0 {
			fail(l.line, "raw is not closed")
		}
		end += next
		open, signOpen := cutSign(l.rest()[end+2:])
		name, ok := strings.CutPrefix(strings.TrimLeftFunc(open, isSpace), "endraw")
		tail, signEnd := cutSign(strings.TrimLeftFunc(name, isSpace))
		if !ok || !strings.HasPrefix(tail, "%}") {
			continue
		}
		body := l.before(l.rest()[:end], signOpen, true)
		l.take(len(l.rest()) - len(tail) + 2)
		l.closed(signEnd, true)
		return body, true
	}
}

// cutSign takes the - or + off the beginning of s.
func cutSign(s string) (rest string, sign byte) {
	if s != "" && (s[0] == '-' || s[0] == '+') {
		return s[1:], s[0]
	}
	return s, 0
}

// operators, the longer before the shorter.
var operators = []string{"**", "//", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{", "}", ">", "<", "=", ".", ":", "|", ",", ";"}

// tag takes the tokens of an expression up to its end.
func (l *lexer) tag(end string, kind tokenKind) {
	depth, start := 0, l.line
	for {
		l.take(len(l.rest()) - len(strings.TrimLeftFunc(l.rest(), isSpace)))
		rest := l.rest()
		if rest == "" {
			fail(start, "a tag is not closed")
		}
		if inner, sign := cutSign(rest); depth == 0 && strings.HasPrefix(inner, end) && (sign != '+' || kind == tokenBlockEnd) {
			l.take(len(rest) - len(inner) + len(end))
			l.emit(kind, end)
			l.closed(sign, kind == tokenBlockEnd)
			return
		}
		if depth += l.one(rest); depth < 0 {
			fail(l.line, "a bracket closes what none opened")
		}
	}
}

// one takes one token and returns how it changes the depth of brackets.
func (l *lexer) one(rest string) int {
	r, _ := utf8.DecodeRuneInString(rest)
	switch {
	case r == '\'' || r == '"':
		l.str(rest)
		return 0
	case '0' <= r && r <= '9':
		l.number(rest)
		return 0
	case r == '_' || unicode.IsLetter(r):
		n := strings.IndexFunc(rest, func(r rune) bool { return r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) })
		if n < 0 {
			n = len(rest)
		}
		l.emit(tokenName, l.take(n))
		return 0
	}
	for _, op := range operators {
		if strings.HasPrefix(rest, op) {
			l.emit(tokenOperator, l.take(len(op)))
			switch op {
			case "(", "[", "{":
				return 1
			case ")", "]", "}":
				return -1
			}
			return 0
		}
	}
	fail(l.line, "unexpected character %q", r)
	return 0
}

// number takes an integer or a float, which has digits on both sides of a dot
// or an exponent.
func (l *lexer) number(rest string) {
	digits := func(from int) int {
		n := from
		for n < len(rest) && ('0' <= rest[n] && rest[n] <= '9' || rest[n] == '_' && n > from) {
			n++
		}
		return n
	}
	n := digits(0)
	kind := tokenInteger
	if n+1 < len(rest) && rest[n] == '.' && digits(n+1) > n+1 {
		n, kind = digits(n+1), tokenFloat
	}
	if n < len(rest) && (rest[n] == 'e' || rest[n] == 'E') {
		at := n + 1
		if at < len(rest) && (rest[at] == '+' || rest[at] == '-') {
			at++
		}
		if end := digits(at); end > at {
			n, kind = end, tokenFloat
		}
	}
	l.emit(kind, strings.ReplaceAll(l.take(n), "_", ""))
}

func (l *lexer) str(rest string) {
	for n := 1; n < len(rest); n++ {
		switch rest[n] {
		case '\\':
			n++
		case rest[0]:
			line := l.line
			l.emit(tokenString, unescape(line, l.take(n + 1)[1:n]))
			return
		}
	}
	fail(l.line, "a string is not closed")
}
