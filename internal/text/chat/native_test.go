package chat

import (
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/internal/text/tool"
)

// TestFormatsAreFound by rendering, whatever a template calls its marks.
func TestFormatsAreFound(t *testing.T) {
	const turns = `{{ bos_token }}{% if tools %}<tools>{{ tools | tojson }}</tools>{% endif %}{% for m in messages %}{% if m.role == 'assistant' and m.tool_calls %}<a>CALLS{% elif m.role == 'assistant' %}<a>{{ m.content }}</a>{% else %}<{{ m.role }}>{{ m.content }}</{{ m.role }}>{% endif %}{% endfor %}{% if add_generation_prompt %}<a>{% endif %}`
	const each = `{% for c in m.tool_calls %}`
	for _, tt := range []struct {
		name, calls string
		want        tool.Format
		native      bool
	}{
		{"names before arguments", each + `[CALL]{{ c.function.name }}[ARGS]{{ c.function.arguments | tojson }}{% endfor %}</a>`,
			tool.Format{Begin: "[CALL]", Between: "[ARGS]", Next: "[CALL]", Marker: "[CALL]", Anywhere: true, Many: true}, true},
		{"an id behind a mark", each + `[CALL]{{ c.function.name }}[CALL_ID]{{ c.id }}[ARGS]{{ c.function.arguments | tojson }}{% endfor %}</a>`,
			tool.Format{Begin: "[CALL]", Between: "[ARGS]", Next: "[CALL]", Marker: "[CALL]", Anywhere: true, Many: true}, true},
		{"code blocks", each + "{% if loop.first %}<calls>{% endif %}<call>function<sep>{{ c.function.name }}\n```json\n{{ c.function.arguments | tojson }}\n```</call>{% endfor %}</calls></a>",
			tool.Format{Begin: "<calls><call>function<sep>", Between: " ```json ", Next: " ```</call><call>function<sep>", End: " ```</call></calls>", Marker: "<calls><call>function<sep>", Anywhere: true, Many: true}, true},
		{"another end than that of a text", `{% if m.tool_calls | length > 1 %}{{ raise_exception('one') }}{% endif %}{"name": "{{ m.tool_calls[0].function.name }}", "parameters": {{ m.tool_calls[0].function.arguments | tojson }}}{{ eos_token }}</called>`,
			tool.Format{Begin: `{"name": "`, Between: `", "parameters": `, End: "}"}, true},
		{"arguments that are no JSON", each + `<f={{ c.function.name }}>{% for k, v in c.function.arguments.items() %}<{{ k }}>{{ v }}</{{ k }}>{% endfor %}</f>{% endfor %}</a>`, tool.Generic, false},
		{"arguments as a text", each + `[CALL]{"name": "{{ c.function.name }}", "arguments": {{ c.function.arguments | tojson | tojson }}}{% endfor %}</a>`, tool.Generic, false},
		{"no calls", `</a>`, tool.Generic, false},
	} {
		template, _, err := load(t, map[string]string{"chat_template.jinja": strings.Replace(turns, "CALLS", tt.calls, 1)})
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		if got := template.Format(); got != tt.want || (template.format != nil) != tt.native {
			t.Errorf("%s: %+v, native %v, want %+v", tt.name, got, template.format != nil, tt.want)
		}
	}
}

// TestReasoningMarksAreFound in the source, or by rendering.
func TestReasoningMarksAreFound(t *testing.T) {
	const turns = `{% for m in messages %}<{{ m.role }}>REASONING{{ m.content }}{% endfor %}`
	for reasoning, want := range map[string]string{
		"": " ", "{% if m.reasoning_content %}<muse>\n{{ m.reasoning_content }}\n</muse>\n{% endif %}": "<muse> </muse>",
		"{% if m.reasoning_content %}[R]{{ m.reasoning_content }}[/R]{% endif %}":  "[R] [/R]",
		"{% set x = m.content.split('</think>')[-1] %}":                            "<think> </think>",
		"{% if m.reasoning_content %}Reason: {{ m.reasoning_content }}{% endif %}": " ",
	} {
		template, _, err := load(t, map[string]string{"chat_template.jinja": strings.Replace(turns, "REASONING", reasoning, 1)})
		if err != nil {
			t.Fatal(err)
		}
		if open, end := template.Reasoning(); open+" "+end != want {
			t.Errorf("%s: %q %q, want %q", reasoning, open, end, want)
		}
	}
}

// TestIDsOfCallsAreThoseOfTheTemplate: a client's id of another length is replaced,
// the same by the same.
func TestIDsOfCallsAreThoseOfTheTemplate(t *testing.T) {
	template, _, err := load(t, map[string]string{"tokenizer_config.json": configuration(t, sources(t)["native_mistral"], true)})
	if err != nil {
		t.Fatal(err)
	}
	pieces, err := template.RenderConversation(Conversation{Messages: []Message{
		{Role: "user", Content: "x"}, {Role: "assistant", ToolCalls: []tool.Call{{ID: "call_0123456789", Name: "f", Arguments: "{}"}}},
		{Role: "tool", ToolCallID: "call_0123456789", Content: "y"},
	}})
	if id := short("call_0123456789"); err != nil || len(id) != 9 || strings.Count(text(pieces), `"`+id+`"`) != 2 {
		t.Errorf("%q, %v", text(pieces), err)
	}
	if short("abcDEF123") != "abcDEF123" || short("abcdef-12") == "abcdef-12" || short("") != "" {
		t.Error("an id of 9 letters and digits changes, or another does not")
	}
}
