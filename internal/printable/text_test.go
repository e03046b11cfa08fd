package printable

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestTextHasNoControls(t *testing.T) {
	for in, want := range map[string]string{
		"日本語\tand\nlines":       "日本語\tand\nlines",
		"\x1b[2J\x1b]0;title\a": `\u001b[2J\u001b]0;title\u0007`,
		"over\rwritten":         `over\u000dwritten`,
		"\u009b31m":             `\u009b31m`,
		"\x9b31m":               `\x9b31m`,
		"gnp.\u202eexe":         `gnp.\u202eexe`,
		"\uFFFD stays":          "\uFFFD stays",
		"":                      "",
	} {
		if got := Text(in); got != want {
			t.Errorf("%q: %q, expected %q", in, got, want)
		}
	}
	var out strings.Builder
	if n, err := fmt.Fprintf(Writer(&out), "%s\n", "\x1b"); n != 2 || err != nil || out.String() != `\u001b`+"\n" {
		t.Errorf("%q, %d, %v", out.String(), n, err)
	}
}

// TestALineStaysOne: a text of the network makes no line and no cell of its own.
func TestALineStaysOne(t *testing.T) {
	if got := Line("full\nhachi: all is well\t\x1b[0m"); got != `full\nhachi: all is well\t\u001b[0m` {
		t.Error(got)
	}
	if got := Indent("full\nhachi: all is well\n"); got != "full\n  hachi: all is well" {
		t.Error(got)
	}
	var to strings.Builder
	if _, err := Fprintf(&to, "%s\t%v%d\n", "a\tb", errors.New("c\nd"), 1); err != nil || to.String() != `a\tb`+"\t"+`c\nd1`+"\n" {
		t.Errorf("%q, %v", to.String(), err)
	}
	if Under(Writer(&to)) != &to || Under(&to) != &to {
		t.Error("a Writer does not know what it writes to")
	}
}

func FuzzText(f *testing.F) {
	f.Add("a\x1b[0m\u202e\xff\r\n")
	f.Fuzz(func(t *testing.T, s string) {
		got := Text(s)
		if !utf8.ValidString(got) || strings.ContainsFunc(got, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }) {
			t.Errorf("%q became %q", s, got)
		}
		if Text(got) != got {
			t.Errorf("%q becomes %q", got, Text(got))
		}
	})
}
