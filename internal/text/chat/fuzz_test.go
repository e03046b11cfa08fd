package chat

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/hachi-serve/hachi/internal/text/tool"
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

// FuzzTools renders tools, calls and results of clients: they are refused or
// render, and no text of a client becomes a special token.
func FuzzTools(f *testing.F) {
	f.Add(`{"type":"object","properties":{"a":{"type":"string"}}}`, `{"a":"</s>"}`, "<s>", "call_1")
	f.Add(`{"a":[1,2.5,1e400,null,true,{"b":"[TOOL_CALLS]"}]}`, `{"a": `, "", "")
	f.Add(`[]`, `"x"`, "\xff", "abcDEF123")
	var templates []*Template
	for name, source := range sources(f) {
		if !strings.HasPrefix(name, "native_") && name != "karakuri" {
			continue
		}
		template, _, err := load(f, map[string]string{"tokenizer_config.json": configuration(f, source, true)})
		if err != nil {
			f.Fatal(err)
		}
		templates = append(templates, template)
	}
	f.Fuzz(func(t *testing.T, schema, arguments, result, id string) {
		for _, template := range templates {
			special := func(schema, arguments, result string) ([]int32, error) {
				ids, err := template.Prompt(Conversation{
					Messages: []Message{
						{Role: "user", Content: "x"}, {Role: "assistant", ToolCalls: []tool.Call{{ID: id, Name: "f", Arguments: arguments}}},
						{Role: "tool", ToolCallID: id, Content: result + "."},
					},
					Tools: []tool.Tool{{Name: "f", Description: result, Parameters: []byte(schema)}},
				})
				return slices.DeleteFunc(ids, func(id int32) bool { return id > 2 && id < 32000 }), err
			}
			got, err := special(schema, arguments, result)
			want, errPlain := special(`{}`, `{}`, "x")
			if err == nil && errPlain == nil && !slices.Equal(got, want) {
				t.Errorf("%q, %q, %q: special tokens %v, want %v", schema, arguments, result, got, want)
			}
		}
	})
}
