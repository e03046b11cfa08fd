package printable

import (
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
