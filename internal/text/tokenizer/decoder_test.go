package tokenizer

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// checkStream decodes ids one at a time and compares with all bytes at once.
func checkStream(t *testing.T, tok *Tokenizer, ids []int32) {
	t.Helper()
	var all []byte
	for _, id := range ids {
		all = append(all, tok.TokenBytes(id)...)
	}
	want := strings.TrimPrefix(string([]rune(string(all))), " ") // []rune makes U+FFFD of every byte that is no text
	broken := strings.Count(want, "\ufffd")
	d := tok.NewDecoder()
	var got strings.Builder
	for _, id := range ids {
		part := d.Next(id)
		if !utf8.ValidString(part) {
			t.Fatalf("%v: emitted %q", ids, part)
		}
		got.WriteString(part)
	}
	if s := got.String(); !strings.HasPrefix(want, s) && broken == 0 {
		t.Errorf("%v: before the end %q, want the beginning of %q", ids, s, want)
	}
	got.WriteString(d.Flush())
	if got.String() != want || tok.Decode(ids) != want {
		t.Errorf("%v: got %q, at once %q, want %q", ids, got.String(), tok.Decode(ids), want)
	}
}

func TestStreamingEqualsDecodingAtOnce(t *testing.T) {
	tok, g := mistral(t), readGoldens(t)
	for _, e := range g.Decode {
		checkStream(t, tok, e.IDs)
	}
	for _, e := range g.Texts {
		for at := range len(e.SPM) + 1 { // an answer may stop anywhere
			checkStream(t, tok, e.SPM[:at])
		}
	}
}

func TestNoHalfCharacterIsEmitted(t *testing.T) {
	tok := mistral(t)
	ids := tok.Encode("𠮷👍龘")
	d := tok.NewDecoder()
	var parts []string
	for _, id := range ids {
		parts = append(parts, d.Next(id))
	}
	parts = append(parts, d.Flush())
	parts = slices.DeleteFunc(parts, func(s string) bool { return s == "" })
	if !slices.Equal(parts, []string{"𠮷", "👍", "龘"}) {
		t.Errorf("%q", parts)
	}
}

func TestTokenBytes(t *testing.T) {
	tok := mistral(t)
	for id, want := range map[int32]string{0: "", 1: "", 2: "", 3: "\x00", 35: " ", 258: "\xff", 22557: " Hello", 28705: " ", -1: "", 32000: ""} {
		if got := string(tok.TokenBytes(id)); got != want {
			t.Errorf("%d: %q, want %q", id, got, want)
		}
	}
}
