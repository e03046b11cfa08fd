package chat

import (
	"encoding/json"
	"strings"
	"testing"
)

func quoted(t *testing.T, s string) string {
	t.Helper()
	b, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// say is a template that writes its name before the conversation.
func say(name string) string {
	return name + "{% for m in messages %}{{ m.content }}{% endfor %}"
}

func TestWhereTheTemplateComesFrom(t *testing.T) {
	const file, config = "chat_template.jinja", "tokenizer_config.json"
	list := `[{"name": "tool_use", "template": ` + quoted(t, say("T")) + `}, {"name": "default", "template": ` + quoted(t, say("L")) + `}]`
	for want, files := range map[string]map[string]string{
		"<s>[INST] x [/INST]": {},
		"Cx":                  {config: `{"chat_template": ` + quoted(t, say("C")) + `}`},
		"Lx":                  {config: `{"chat_template": ` + list + `}`},
		"Fx":                  {file: say("F"), config: `{"chat_template": ` + quoted(t, say("C")) + `}`},
		"Gx":                  {file: say("G"), config: `{"chat_template": ` + list + `}`},
	} {
		template, _, err := load(t, files)
		if err != nil {
			t.Errorf("%s: %v", want, err)
			continue
		}
		if got, err := template.Render([]Message{{Role: "user", Content: "x"}}, nil); err != nil || text(got) != want {
			t.Errorf("got %q, %v, want %q", text(got), err, want)
		}
	}
	for _, config := range []string{`{}`, `{"chat_template": null}`, `{"bos_token": "<s>"}`} {
		template, _, err := load(t, map[string]string{"tokenizer_config.json": config})
		if err != nil {
			t.Errorf("%s: %v", config, err)
			continue
		}
		if got, err := template.Render([]Message{{Role: "user", Content: "x"}}, nil); err != nil || text(got) != "<s>[INST] x [/INST]" {
			t.Errorf("%s: got %q, %v", config, text(got), err)
		}
	}
}

// A template that cannot be honored is refused before any request.
func TestRefusedAtStart(t *testing.T) {
	for source, want := range map[string]string{
		"{% for m in messages %}{{ m.content }}":                                      "the template ends before endfor",
		"{{ messages[0].content | wordwrap }}":                                        "line 1: the filter wordwrap is not supported",
		"{% if tools %}{{ tools | pprint }}{% endif %}{{ messages[0].content }}":      "the filter pprint is not supported",
		"{% include 'other' %}":                                                       "the tag include is not supported",
		"{{ strptime_now('%Y') }}{{ messages[0].content }}":                           "strptime_now is undefined",
		"{{ strftime_now('%Q') }}{{ messages[0].content }}":                           "the directive %Q is not supported",
		"a\n{{ messages[0].content + 1 }}":                                            "conversation of 1 turns: line 2: str + int is not supported",
		"{{ messages[0].content }}{{ messages[2].content if messages | length > 1 }}": "it leaves the assistant's turn out",
		"hello":                          "it leaves the user's turn out",
		"{{ raise_exception('never') }}": "it fails on a conversation of 1 turns: never",
		"{% for m in messages %}{{ m.content }}{% if m.role == 'system' %}{{ 1 / 0 }}{% endif %}{% endfor %}": "division by zero",
		"{% for m in messages %}{{ m.content }}{% if m.humor == 4 %}{{ m.x.y }}{% endif %}{% endfor %}":       "it fails on the attribute humor",
		"{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}":                      "the template takes more than",
		"": "it leaves the user's turn out",
	} {
		_, _, err := load(t, map[string]string{"chat_template.jinja": source})
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "chat_template.jinja: the template is not supported") {
			t.Errorf("%q: error %v, want %q", source, err, want)
		}
	}
	for config, want := range map[string]string{
		`{"chat_template": 1}`:                                  "neither a text nor a list",
		`{"chat_template": []}`:                                 "lists 0 templates, but none named default",
		`{"chat_template": [{"name": "rag", "template": "x"}]}`: "lists 1 templates, but none named default",
		`{"chat_template": "{{", "other": 1}`:                   "a tag is not closed",
		`{"chat_template": "hello"}`:                            "it leaves the user's turn out",
	} {
		_, _, err := load(t, map[string]string{"tokenizer_config.json": config})
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "tokenizer_config.json") {
			t.Errorf("%s: error %v, want %q", config, err, want)
		}
	}
}

// A template may refuse or skip system messages: then a request with one fails,
// and others do not.
func TestSystemMessagesAreOptional(t *testing.T) {
	silent := "{% for m in messages %}{% if m.role == 'user' %}U{{ m.content }}{% elif m.role == 'assistant' %}A{{ m.content }}{% endif %}{% endfor %}"
	template, _, err := load(t, map[string]string{"chat_template.jinja": silent})
	if err != nil {
		t.Fatal(err)
	}
	user := Message{Role: "user", Content: "u"}
	if got, err := template.Render([]Message{user}, nil); err != nil || text(got) != "Uu" {
		t.Errorf("got %q, %v", text(got), err)
	}
	if _, err := template.Render([]Message{{Role: "system", Content: "s"}, user}, nil); err == nil || !strings.Contains(err.Error(), "turn 0 (system)") {
		t.Errorf("a system message was passed over: %v", err)
	}
	if _, err := template.Render([]Message{{Role: "system", Content: " \n"}, user}, nil); err != nil {
		t.Errorf("an empty system message: %v", err)
	}
}
