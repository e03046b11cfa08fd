package printable

import (
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Text escapes control characters, except new lines and tabs, characters that change
// the direction of others, and bytes that are not UTF-8, as Go and, except the bytes,
// JSON write them.
func Text(s string) string {
	if !strings.ContainsFunc(s, escaped) { // also true for bytes that are not UTF-8
		return s
	}
	var out strings.Builder
	for i, r := range s {
		size := utf8.RuneLen(r)
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD"):
			fmt.Fprintf(&out, `\x%02x`, s[i])
		case r == utf8.RuneError || !escaped(r):
			out.WriteString(s[i : i+size])
		default:
			fmt.Fprintf(&out, `\u%04x`, r)
		}
	}
	return out.String()
}

// escaped reports whether a character may not reach a terminal. U+FFFD also stands
// for a byte that is not UTF-8.
func escaped(r rune) bool {
	switch r {
	case '\n', '\t':
		return false
	case utf8.RuneError, '\u061c', '\u200e', '\u200f', '\u2028', '\u2029':
		return true
	}
	return unicode.IsControl(r) || '\u202a' <= r && r <= '\u202e' || '\u2066' <= r && r <= '\u2069'
}

// Line escapes a text that is a part of a line: new lines and tabs too, which would
// begin another line, or the next cell of a table.
func Line(s string) string {
	return strings.NewReplacer("\n", `\n`, "\t", `\t`).Replace(Text(s))
}

// Raw is an argument of Fprintf that is printed as it is.
type Raw string

// Fprintf is fmt.Fprintf for lines and tables: each argument that is a text or an error
// is a Line.
func Fprintf(to io.Writer, format string, args ...any) (int, error) {
	lines := make([]any, len(args))
	for i, arg := range args {
		switch arg := arg.(type) {
		case string:
			lines[i] = Line(arg)
		case error:
			lines[i] = Line(arg.Error())
		default:
			lines[i] = arg
		}
	}
	return fmt.Fprintf(to, format, lines...)
}

// Indent escapes a text of several lines and indents all but the first, so that none
// of them looks like another text.
func Indent(s string) string {
	return strings.ReplaceAll(strings.TrimRight(Text(s), "\n"), "\n", "\n  ")
}

// Writer escapes what is written to a terminal. Every Write must have whole
// characters.
func Writer(to io.Writer) io.Writer { return writer{to} }

// Under returns what a Writer writes to, and any other writer as it is.
func Under(w io.Writer) io.Writer {
	if escapes, ok := w.(writer); ok {
		return escapes.to
	}
	return w
}

type writer struct{ to io.Writer }

// Write implements io.Writer.
func (w writer) Write(p []byte) (int, error) {
	if _, err := io.WriteString(w.to, Text(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}
