package completion

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/internal/router/engine"
	"github.com/hachi-serve/hachi/internal/text/chat"
	"github.com/hachi-serve/hachi/internal/text/tool"
)

// continuing is a conversation that ends with the beginning of an answer.
func continuing(said string, output *StructuredOutput, tools ...tool.Tool) Conversation {
	c := ask(tool.Choice{}, tools...)
	c.Messages = append(c.Messages, chat.Message{Role: "assistant", Content: said})
	c.Continue, c.Output = true, output
	return c
}

var city = []byte(`{"type":"object","properties":{"city":{"enum":["Kyoto","Osaka"]}},"required":["city"],"additionalProperties":false}`)

// TestStructuredOutputGoesOnBehindAContinuedMessage: message and answer together are
// of the language, whatever the model would write.
func TestStructuredOutputGoesOnBehindAContinuedMessage(t *testing.T) {
	f := tool.Tool{Name: "f", Parameters: city}
	for _, tt := range []struct {
		name, format, said string
		output             *StructuredOutput
		tools              []tool.Tool
		whole              string // "" is any JSON
	}{
		{"schema", "generic", `{"city": "Ky`, JSONSchema("response_format", city), nil, `{"city": "Kyoto"}`},
		{"schema, not begun", "generic", ` `, JSONSchema("response_format", city), nil, "refused"},
		{"choice", "generic", "su", OneOf("structured_outputs.choice", []string{"sunny", "rainy"}), nil, "sunny"},
		{"complete choice", "generic", "sunny", OneOf("structured_outputs.choice", []string{"sunny", "rainy"}), nil, "sunny"},
		{"regex", "generic", "aa", Regex("structured_outputs.regex", "a{3}b"), nil, "aaab"},
		{"object", "generic", `{"a": [1`, JSONObject("response_format"), nil, ""},
		{"another text", "generic", "Hello", JSONSchema("response_format", city), nil, "refused"},
		{"beside tools", "generic", "ra", OneOf("structured_outputs.choice", []string{"sunny", "rainy"}), []tool.Tool{f}, "rainy"},
		{"beside native tools", "native_hermes", "ra", OneOf("structured_outputs.choice", []string{"sunny", "rainy"}), []tool.Tool{f}, "rainy"},
		{"with reasoning", "native_hermes", `{"city": "Ky`, JSONSchema("response_format", city), nil, `{"city": "Kyoto"}`},
	} {
		e := &drawing{rng: rand.New(rand.NewPCG(15, 16))}
		s := talk(t, tt.format, e)
		e.script = s.write("Hello!")
		c := continuing(tt.said, tt.output, tt.tools...)
		if tt.whole == "refused" {
			var r Request
			turn, err := s.Prepare(t.Context(), c)
			if err != nil {
				t.Fatal(tt.name, err)
			}
			turn.Answers(&r)
			var fault *Fault
			if _, err := s.Completer.Start(t.Context(), r); !errors.As(err, &fault) || fault.Param != "response_format" {
				t.Errorf("%s: %v, want a fault of response_format", tt.name, err)
			}
			continue
		}
		got := s.tell(t, c, Request{Request: engine.Request{MaxTokens: 500}})
		whole := tt.said + got.Text.String()
		if tt.whole != "" && whole != tt.whole || got.finish != engine.Stop || len(got.Calls) > 0 || tt.whole == "" && !json.Valid([]byte(whole)) {
			t.Errorf("%s: %q and %q, %v, %s", tt.name, tt.said, got.Text.String(), got.Calls, got.finish)
		}
	}
}

// TestCallsComeBehindAContinuedMessage where the format has calls behind a text, or the
// message begins one.
func TestCallsComeBehindAContinuedMessage(t *testing.T) {
	f := tool.Tool{Name: "f", Parameters: city}
	for _, tt := range []struct {
		format, said, script, text string
		calls                      int
	}{
		{"generic", "Well,", " then", " then", 0},
		{"generic", "Well,", `{"tool_calls": [{"name": "f", "arguments": {`, `{"tool_calls": [{"name": "f", "arguments": {`, 0},
		{"generic", `{"tool_calls": [{"na`, `me`, "", 1},
		{"generic", `{`, `"tool_calls"`, "", 1},
		{"native_hermes", "Let me see. ", "<tool_call>", "", 1},
		{"native_hermes", "Let me see. <tool", "_call>", "", 1},
		{"native_hermes", "Let me see. <tool", "box>", "box>", 0},
	} {
		e := &drawing{rng: rand.New(rand.NewPCG(17, 18))}
		s := talk(t, tt.format, e)
		e.script = append(s.write("x" + tt.script)[1:], s.Completer.Tokenizer.EOS())
		c := continuing(tt.said, nil, f)
		c.Parallel = false
		got := s.tell(t, c, Request{Request: engine.Request{MaxTokens: 200}})
		if got.Text.String() != tt.text || len(got.Calls) != tt.calls || (got.finish == ToolCalls) != (tt.calls > 0) {
			t.Errorf("%s, %q and %q: text %q, calls %v, %s", tt.format, tt.said, tt.script, got.Text.String(), got.Calls, got.finish)
		}
		for _, call := range got.Calls {
			if err := valid(f, call.Arguments); err != nil || call.Name != "f" || call.ID == "" {
				t.Errorf("%s, %q: %+v: %v", tt.format, tt.said, call, err)
			}
		}
	}
	s := talk(t, "generic", &drawing{})
	var fault *Fault
	if _, err := s.Prepare(t.Context(), continuing(`{"tool_calls": [{"name": "f", "arguments": {"ci`, nil, f)); !errors.As(err, &fault) || fault.Param != "messages" || !strings.Contains(err.Error(), "within a call") {
		t.Errorf("a call is continued: %v", err)
	}
}

// TestContinuedTextIsWhatFollowsReasoning, or reasoning that has not ended.
func TestContinuedTextIsWhatFollowsReasoning(t *testing.T) {
	for _, tt := range []struct {
		text, said string
		reasons    bool
	}{
		{"Hello", "Hello", false}, {"<t>Hm", "Hm", true}, {"<t>Hm</t>\n\nYes", "Yes", false},
		{"Hm</t> Yes", "Yes", false}, {"<t>a</t>b<t>c", "c", true},
	} {
		if said, reasons := continued(tt.text, "<t>", "</t>"); said != tt.said || reasons != tt.reasons {
			t.Errorf("%q: %q, %v", tt.text, said, reasons)
		}
	}
}

// TestIgnoredEndOfSequenceEndsNoLanguage: the answer goes on while its language can.
func TestIgnoredEndOfSequenceEndsNoLanguage(t *testing.T) {
	e := &drawing{rng: rand.New(rand.NewPCG(19, 20))}
	s := talk(t, "generic", e)
	e.script = []int32{s.Completer.Tokenizer.EOS()}
	for range 8 {
		e.script = append(e.script, e.script[0])
	}
	c := ask(tool.Choice{})
	c.Output = Regex("structured_outputs.regex", "a{1,5}")
	if got := s.tell(t, c, Request{IgnoreEOS: true}); got.Text.String() != "aaaaa" || got.finish != engine.Stop {
		t.Errorf("%q, %s", got.Text.String(), got.finish)
	}
}
