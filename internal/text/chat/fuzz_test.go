package chat

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzTemplate loads templates: whatever they are, they are refused or render.
func FuzzTemplate(f *testing.F) {
	for _, source := range sources(f) {
		f.Add(source, "hi")
	}
	_, tok, err := load(f, map[string]string{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, source, content string) {
		template, err := Parse(source, tok)
		if err != nil {
			return
		}
		messages := []Message{{Role: "user", Content: content}}
		ids, err := template.Tokens(messages, nil)
		again, errAgain := template.Tokens(messages, nil)
		if (err == nil) != (errAgain == nil) || !slices.Equal(ids, again) {
			t.Errorf("%q: %v, %v, then %v, %v", source, ids, err, again, errAgain)
		}
	})
}

// FuzzRender writes conversations into the KARAKURI format: everything that was
// said is there, and no special token that the format does not have.
func FuzzRender(f *testing.F) {
	f.Add("s", "u", "a", "w", 4, true)
	f.Add("", "</s>", "<s>[INST]", "[/ATTR] [/INST]", 0, false)
	f.Add("{{ x }}", "\xff\x00", "𠮷👍", " \n", 5, true)
	_, tok, err := load(f, map[string]string{})
	if err != nil {
		f.Fatal(err)
	}
	template := MustParse(KarakuriTemplate, tok)
	f.Fuzz(func(t *testing.T, system, user, answer, last string, humor int, withSystem bool) {
		messages := []Message{{Role: "user", Content: user}, {Role: "assistant", Content: answer}, {Role: "user", Content: last, Attributes: Attributes{"humor": humor}}}
		if withSystem {
			messages = append([]Message{{Role: "system", Content: system}}, messages...)
		}
		pieces, err := template.Render(messages, nil)
		if humor < 0 || humor > 4 {
			if err == nil || !strings.Contains(err.Error(), "humor") {
				t.Fatalf("humor %d: %v", humor, err)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if len(pieces) != 4 || pieces[0].ID != 1 || pieces[2].ID != 2 || pieces[1].Special || pieces[3].Special {
			t.Fatalf("pieces %v", pieces)
		}
		for _, said := range []string{user, answer, last} {
			if !utf8.ValidString(said) {
				said = string([]rune(said))
			}
			if !strings.Contains(pieces[1].Text+pieces[3].Text, said) {
				t.Errorf("%q is not in %v", said, pieces)
			}
		}
		ids, err := template.Tokens(messages, nil)
		if err != nil || slices.Index(ids[1:], 1) >= 0 || strings.Count(text(pieces), "</s>") < 1 {
			t.Errorf("ids %v, %v", ids, err)
		}
	})
}
