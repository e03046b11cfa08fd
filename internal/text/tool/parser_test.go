package tool

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

var (
	mistral = Format{Begin: `[TOOL_CALLS] [{"name": "`, Between: `", "arguments": `, Next: `}, {"name": "`, End: `}]`, Marker: "[TOOL_CALLS]", Anywhere: true, Many: true}
	hermes  = Format{Begin: `<tool_call> {"name": "`, Between: `", "arguments": `, Next: `} </tool_call> <tool_call> {"name": "`, End: `} </tool_call>`, Marker: "<tool_call>", Anywhere: true, Many: true}
	llama   = Format{Begin: `{"name": "`, Between: `", "parameters": `, End: `}`}
	bare    = Format{Begin: "[TOOL_CALLS]", Next: "[TOOL_CALLS]", Marker: "[TOOL_CALLS]", Anywhere: true, Many: true}
)

func syntax(f Format) Syntax { return Syntax{Format: &f, Names: []string{"f", "get_x"}, Text: true} }

// answer is what events make of an answer.
func answer(t testing.TB, events []Event) string {
	t.Helper()
	var out, text, reasoning strings.Builder
	calls := -1
	for _, e := range events {
		switch e.Kind {
		case Text:
			text.WriteString(e.Text)
		case Reasoning:
			reasoning.WriteString(e.Text)
		case Begun:
			if calls++; e.Index != calls {
				t.Errorf("call %d has the number %d", calls, e.Index)
			}
			out.WriteString(" " + e.Text)
		case Arguments:
			if e.Index != calls {
				t.Errorf("arguments of call %d within call %d", e.Index, calls)
			}
			out.WriteString(e.Text)
		case Mark:
			if e.Text != "" {
				t.Errorf("a mark shows %q", e.Text)
			}
		}
	}
	s := text.String() + out.String()
	if reasoning.Len() > 0 {
		s = "(" + reasoning.String() + ")" + s
	}
	return s
}

// parse reads an answer in parts that end at cuts.
func parse(t testing.TB, s Syntax, text string, cuts ...int) (string, bool) {
	t.Helper()
	p := NewParser(s)
	var events []Event
	last, size := 0, 0
	for _, cut := range append(cuts, len(text)) {
		events = append(events, p.Read(text[last:cut], false)...)
		last = cut
	}
	events = append(events, p.Read("", true)...)
	for _, e := range events {
		size += e.Size
	}
	if size != len(text) {
		t.Errorf("%q: events stand for %d bytes of %d", text, size, len(text))
	}
	return answer(t, events), p.Complete()
}

func TestParser(t *testing.T) {
	thinking := func(s Syntax, begun bool) Syntax {
		s.Open, s.Close, s.Begun = "<think>", "</think>", begun
		return s
	}
	must := func(s Syntax) Syntax {
		s.Text = false
		return s
	}
	plain := Syntax{Text: true}
	tests := []struct {
		name     string
		syntax   Syntax
		text     string
		want     string
		complete bool
	}{
		{"text", syntax(mistral), "Hello 八 [x] {y}", "Hello 八 [x] {y}", false},
		{"text that begins a marker", syntax(mistral), "see [TOOL_", "see [TOOL_", false},
		{"white space alone", syntax(mistral), " \n ", " \n ", false},
		{"a call", syntax(mistral), `[TOOL_CALLS] [{"name": "f", "arguments": {"a": "}]\"\\"}}]`, ` f{"a": "}]\"\\"}`, true},
		{"tight", syntax(mistral), `[TOOL_CALLS][{"name":"f","arguments":{}}]`, ` f{}`, true},
		{"on lines", syntax(mistral), "[TOOL_CALLS]\n  [{\"name\":\n \"f\",\n \"arguments\": {}},\n {\"name\": \"get_x\",\"arguments\":{\"b\":[{}]}}]", ` f{} get_x{"b":[{}]}`, true},
		{"text and a call", syntax(hermes), "Let me see.\n<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\": 1}}\n</tool_call>", "Let me see.\n f{\"a\": 1}", true},
		{"white space and a call", syntax(hermes), "\n<tool_call>\n{\"name\": \"f\", \"arguments\": {}}\n</tool_call>", " f{}", true},
		{"two calls", syntax(hermes), "<tool_call>\n{\"name\": \"f\", \"arguments\": {}}\n</tool_call>\n<tool_call>\n{\"name\": \"get_x\", \"arguments\": {}}\n</tool_call>", " f{} get_x{}", true},
		{"a name of two that begin alike", syntax(bare), "[TOOL_CALLS]f{}[TOOL_CALLS]get_x{}", " f{} get_x{}", true},
		{"cut before the name", syntax(hermes), "<tool_call>\n{\"na", "<tool_call>\n{\"na", false},
		{"cut in the name", syntax(hermes), "<tool_call>\n{\"name\": \"get", "<tool_call>\n{\"name\": \"get", false},
		{"cut in the arguments", syntax(hermes), "<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a", " f{\"a", false},
		{"cut in the end", syntax(hermes), "<tool_call>\n{\"name\": \"f\", \"arguments\": {}}\n</too", " f{}", false},
		{"cut in the second", syntax(hermes), "<tool_call>\n{\"name\": \"f\", \"arguments\": {}}\n</tool_call>\n<tool_call>\n{\"na", " f{}", false},
		{"bare JSON", syntax(llama), `{"name": "f", "parameters": {"a": {}}}`, ` f{"a": {}}`, true},
		{"JSON that is text", syntax(llama), `{"name": "Bob", "parameters": 1}`, `{"name": "Bob", "parameters": 1}`, false},
		{"JSON that becomes text late", syntax(llama), `{"name": "f"}`, `{"name": "f"}`, false},
		{"JSON behind text", syntax(llama), `x {"name": "f", "parameters": {}}`, `x {"name": "f", "parameters": {}}`, false},
		{"generic", syntax(Generic), Generic.Write([]Call{{Name: "f", Arguments: `{"a":1}`}, {Name: "get_x"}}), ` f{"a":1} get_x{}`, true},
		{"generic on lines", syntax(Generic), "\n{\n  \"tool_calls\": [\n    {\"name\": \"f\", \"arguments\": {}}\n  ]\n}", ` f{}`, true},
		{"generic that is text", syntax(Generic), `{"tool_call": 1}`, `{"tool_call": 1}`, false},
		{"generic cut in the marker", syntax(Generic), `{"tool_ca`, `{"tool_ca`, false},
		{"required", must(syntax(Generic)), ` {"tool_calls":[{"name":"f","arguments":{}}]}`, ` f{}`, true},
		{"required, cut", must(syntax(Generic)), ` {"tool_calls"`, ` {"tool_calls"`, false},
		{"required, native", must(syntax(hermes)), "<tool_call>{\"name\": \"f\", \"arguments\": {}}</tool_call>", " f{}", true},
		{"reasoning", thinking(plain, false), "<think>\nHm <b> </thin\n\n</think>\n\nYes.\n", "(Hm <b> </thin)Yes.\n", false},
		{"no reasoning", thinking(plain, false), "Yes <think>no</think>", "Yes <think>no</think>", false},
		{"reasoning alone", thinking(plain, false), "<think>Hm \n", "(Hm)", false},
		{"reasoning that begins in the prompt", thinking(plain, true), "\nHm\n</think>\n\nYes", "(Hm)Yes", false},
		{"reasoning and a call", thinking(syntax(hermes), false), "<think>\nHm\n</think>\n\n<tool_call>\n{\"name\": \"f\", \"arguments\": {}}\n</tool_call>", "(Hm) f{}", true},
		{"reasoning and a bare call", thinking(syntax(llama), true), "Hm</think>\n{\"name\": \"f\", \"parameters\": {}}", "(Hm) f{}", true},
		{"reasoning, text and a call", thinking(must(syntax(Generic)), false), "<think></think>{\"tool_calls\":[{\"name\":\"f\",\"arguments\":{}}]}", " f{}", true},
	}
	for _, tt := range tests {
		want := fmt.Sprint(tt.want, tt.complete)
		check := func(cuts ...int) {
			if got, complete := parse(t, tt.syntax, tt.text, cuts...); fmt.Sprint(got, complete) != want {
				t.Errorf("%s, cut at %v: %q %v, want %q %v", tt.name, cuts, got, complete, tt.want, tt.complete)
			}
		}
		check()
		var every []int
		for i := range tt.text {
			check(i)
			every = append(every, i)
		}
		check(every...)
	}
}

// TestTextIsNotHeldForLong: a text comes as it is written, but for what may be a
// mark.
func TestTextIsNotHeldForLong(t *testing.T) {
	p := NewParser(syntax(hermes))
	for _, tt := range []struct{ part, want string }{{"Hello", "Hello"}, {" a <", " a "}, {"b", "<b"}, {"<tool", ""}, {"ing", "<tooling"}} {
		if got := answer(t, p.Read(tt.part, false)); got != tt.want {
			t.Errorf("%q: %q, want %q", tt.part, got, tt.want)
		}
	}
	p = NewParser(syntax(Generic))
	for _, tt := range []struct{ part, want string }{
		{`{"tool_calls": [{"name": "get_x"`, " get_x"}, {`, "arguments": {"a"`, `{"a"`}, {`: "日`, `: "日`}, {`"}`, `"}`}, {"}]}", ""},
	} {
		if got := answer(t, renumbered(p.Read(tt.part, false))); got != tt.want {
			t.Errorf("%q: %q, want %q", tt.part, got, tt.want)
		}
	}
}

// renumbered lets answer read arguments apart from the call they belong to.
func renumbered(events []Event) []Event {
	for i := range events {
		if events[i].Kind == Arguments && (i == 0 || events[i-1].Kind == Mark) {
			events[i].Index = -1
		}
	}
	return events
}

// TestWrittenCallsAreRead: what Write writes, a parser reads, however it is cut.
func TestWrittenCallsAreRead(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		f := rapid.SampledFrom([]Format{mistral, hermes, bare, Generic}).Draw(rt, "format")
		var calls []Call
		want := ""
		for range rapid.IntRange(1, 3).Draw(rt, "calls") {
			c := Call{Name: rapid.SampledFrom([]string{"f", "get_x"}).Draw(rt, "name"), Arguments: rapid.SampledFrom([]string{"{}", `{"a":"{\"}\\"}`, `{"日": [{"b": {}}]}`}).Draw(rt, "arguments")}
			calls = append(calls, c)
			want += " " + c.Name + c.Arguments
		}
		text := f.Write(calls)
		cut := rapid.IntRange(0, len(text)).Draw(rt, "cut")
		if got, complete := parse(t, syntax(f), text, cut); got != want || !complete {
			rt.Fatalf("%q, cut at %d: %q, complete %v, want %q", text, cut, got, complete, want)
		}
	})
}

// FuzzParser reads answers of any syntax: the same events for any cut, and all of
// the answer.
func FuzzParser(f *testing.F) {
	f.Add("Hello <tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\": \"}\"}}\n</tool_call>", 9, 1, true)
	f.Add("<think>x</think>\n{\"tool_calls\":[{\"name\":\"f\",\"arguments\":{}}]}", 3, 2, true)
	f.Add(`{"name": "f", "parameters": {}}`, 5, 3, false)
	f.Add("[TOOL_CALLS]f{}[TOOL_CALLS]get_x{]", 20, 4, true)
	f.Fuzz(func(t *testing.T, text string, cut, format int, withText bool) {
		formats := []Format{mistral, hermes, Generic, llama, bare}
		s := syntax(formats[uint(format)%uint(len(formats))])
		s.Text = withText
		if format%2 == 0 {
			s.Open, s.Close = "<think>", "</think>"
		}
		whole, complete := parse(t, s, text)
		at := int(uint(cut) % uint(len(text)+1))
		if got, again := parse(t, s, text, at); got != whole || again != complete {
			t.Errorf("%q: %q %v, cut at %d %q %v", text, whole, complete, at, got, again)
		}
	})
}

// TestContinuedTextsAreNotReportedAgain: behind any beginning, an answer is read as the
// whole text is, but for what the beginning has.
func TestContinuedTextsAreNotReportedAgain(t *testing.T) {
	thinking := syntax(Generic)
	thinking.Open, thinking.Close, thinking.Begun = "<think>", "</think>", true
	for _, tt := range []struct {
		syntax Syntax
		text   string
	}{
		{Syntax{Text: true}, "Hello"},
		{syntax(hermes), "Let <tool> me see.\n<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\": 1}}\n</tool_call>"},
		{syntax(Generic), `{"tool_calls": [{"name": "get_x", "arguments": {"a": [1]}}, {"name": "f", "arguments": {}}]}`},
		{syntax(Generic), `{"tool_calling": 1}`},
		{thinking, "Hm.\n</think> Yes"},
	} {
		whole, _ := parse(t, tt.syntax, tt.text)
		for cut := range tt.text {
			p := NewParser(tt.syntax)
			if !p.Continue(tt.text[:cut]) {
				break
			}
			size := 0
			events := append(p.Read(tt.text[cut:], false), p.Read("", true)...)
			for _, e := range events {
				size += e.Size
			}
			rest := strings.TrimPrefix(answer(t, events), "(")
			if size != len(tt.text)-cut || !strings.HasSuffix(whole, rest) {
				t.Errorf("%q, cut at %d: %q of %d bytes, the whole is %q", tt.text, cut, rest, size, whole)
			}
		}
	}
}
