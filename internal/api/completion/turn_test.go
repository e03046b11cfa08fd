package completion

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/hachi-serve/hachi/internal/router/engine"
	"github.com/hachi-serve/hachi/internal/router/sampler"
	"github.com/hachi-serve/hachi/internal/text/chat"
	"github.com/hachi-serve/hachi/internal/text/grammar"
	"github.com/hachi-serve/hachi/internal/text/tokenizer"
	"github.com/hachi-serve/hachi/internal/text/tool"
)

// allTools are tools with schemas of many kinds.
func allTools(t testing.TB) []tool.Tool {
	t.Helper()
	raw, err := os.ReadFile("testdata/tools.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []tool.Tool
	if err := json.Unmarshal(raw, &all); err != nil {
		t.Fatal(err)
	}
	if len(all) < 50 {
		t.Fatalf("%d tools, want 50 or more", len(all))
	}
	return all
}

// valid judges arguments by another implementation of JSON Schema.
func valid(f tool.Tool, arguments string) error {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(f.Schema()))
	if err != nil {
		return err
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	if err := c.AddResource("schema.json", doc); err != nil {
		return err
	}
	schema, err := c.Compile("schema.json")
	if err != nil {
		return err
	}
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(arguments))
	if err != nil {
		return err
	}
	if _, ok := v.(map[string]any); !ok {
		return fmt.Errorf("%T, want an object", v)
	}
	return schema.Validate(v)
}

// drawing is an engine whose model has no preference: it draws from the tokens that
// the grammar allows, after those of a script while these are allowed.
type drawing struct {
	rng    *rand.Rand
	script []int32
	prompt []int32
	closes []bool // by token: it may end a text, a list or an object
}

func (e *drawing) Submit(_ context.Context, r engine.Request) (*engine.Stream, error) {
	e.prompt = r.Prompt
	stream := engine.NewStream()
	go func() {
		mask := make([]uint64, (len(e.closes)+63)/64)
		for n := 0; ; n++ {
			if r.MaxTokens > 0 && n == r.MaxTokens {
				stream.Push(engine.Event{Token: -1, Finish: engine.Length})
				return
			}
			next := e.draw(r.Matcher, mask, n)
			if slices.Contains(r.StopTokens, next) || next < 0 {
				stream.Push(engine.Event{Token: -1, Finish: engine.Stop})
				return
			}
			event := engine.Event{Token: next}
			if r.Matcher != nil {
				if !r.Matcher.Accept(next) {
					event = engine.Event{Err: sampler.ErrGrammar}
				} else if r.Matcher.Done() {
					event.Finish = engine.Stop
				}
			}
			if stream.Push(event); event.Err != nil || event.Finish != engine.NotFinished {
				return
			}
		}
	}()
	return stream, nil
}

// draw returns the next token; -1 is the end.
func (e *drawing) draw(m sampler.Matcher, mask []uint64, n int) int32 {
	if m == nil {
		if n < len(e.script) {
			return e.script[n]
		}
		return -1
	}
	m.Mask(mask)
	allowed := func(t int32) bool { return mask[t/64]>>(t%64)&1 == 1 }
	if n < len(e.script) && allowed(e.script[n]) {
		return e.script[n]
	}
	var all, ends []int32
	for t, closes := range e.closes {
		if !allowed(int32(t)) {
			continue
		}
		all = append(all, int32(t))
		if closes {
			ends = append(ends, int32(t))
		}
	}
	if len(ends) > 0 && e.rng.IntN(2) == 0 {
		all = ends // or texts would seldom end
	}
	return all[e.rng.IntN(len(all))]
}

// special is a tokenizer.json-less checkpoint with special tokens for marks.
func special(t testing.TB, tokens ...string) *tokenizer.Tokenizer {
	t.Helper()
	dir := t.TempDir()
	decoder := map[string]any{}
	for i, text := range tokens {
		decoder[fmt.Sprint(32000+i)] = map[string]any{"content": text, "special": true}
	}
	config, err := json.Marshal(map[string]any{"legacy": false, "added_tokens_decoder": decoder})
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{"tokenizer.model": tokenizer.MistralV1(), "tokenizer_config.json": config} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	tok, err := tokenizer.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

// formats are the templates of the tests, one for each way to write calls.
var formats = []string{"generic", "native_mistral", "native_hermes", "native_llama"}

// talk is a service over a drawing engine, with a template.
func talk(t testing.TB, format string, e *drawing) Service {
	t.Helper()
	tok := special(t, "[TOOL_CALLS]", "[AVAILABLE_TOOLS]", "<|im_start|>", "<|im_end|>")
	source := []byte(chat.KarakuriTemplate)
	if format != "generic" {
		var err error
		if source, err = os.ReadFile("../../text/chat/testdata/templates/" + format + ".jinja"); err != nil {
			t.Fatal(err)
		}
	}
	e.closes = make([]bool, tok.Vocab())
	for id := range e.closes {
		text := tok.TokenBytes(int32(id))
		e.closes[id] = len(text) == 0 || bytes.ContainsAny(text, "\"}]>")
	}
	completer := &Completer{Engine: Local{Engine: e, Grammars: NewGrammars(tok, grammar.DefaultLimits())}, Tokenizer: tok, Context: 1 << 16}
	return Service{Completer: completer, Template: chat.MustParse(string(source), tok)}
}

// write makes the model begin with a text.
func (s Service) write(text string) []int32 { return s.Completer.Tokenizer.Encode(text) }

// reply is an answer that was read to its end.
type reply struct {
	Answer
	finish engine.FinishReason
	parts  []Part
}

// tell answers a conversation.
func (s Service) tell(t testing.TB, c Conversation, r Request) *reply {
	t.Helper()
	turn, err := s.Prepare(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	turn.Answers(&r)
	reader, err := s.Completer.Start(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	out := &reply{}
	for {
		d, err := reader.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		out.Add(d)
		out.parts = append(out.parts, d.Parts...)
		if out.finish = d.Finish; d.Finish != engine.NotFinished {
			return out
		}
	}
}

func ask(choice tool.Choice, tools ...tool.Tool) Conversation {
	return Conversation{Messages: []chat.Message{{Role: "user", Content: "x"}}, Tools: tools, ToolChoice: choice, Parallel: true}
}

// TestGapsAreTheSame for the grammar that allows them and the parser that reads them.
func TestGapsAreTheSame(t *testing.T) {
	if tool.MaxIndent != grammar.MaxIndent || tool.MaxLead != grammar.MaxLead {
		t.Errorf("the parser reads gaps of %d and leads of %d, the grammar allows %d and %d", tool.MaxIndent, tool.MaxLead, grammar.MaxIndent, grammar.MaxLead)
	}
}

// TestArgumentsAlwaysValidate: for 50 schemas and every format, calls that ended
// have arguments that satisfy the schema, whatever the model prefers.
func TestArgumentsAlwaysValidate(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	tools := allTools(t)
	for _, name := range formats {
		e := &drawing{rng: rng}
		s := talk(t, name, e)
		if name == "native_hermes" {
			e.script = s.write("<tool_call>") // or reasoning, which seldom ends
		}
		ended := 0
		for i, f := range tools {
			other := tools[(i+1)%len(tools)]
			c := ask(tool.Choice{Mode: tool.Required}, f, other)
			if i%2 == 0 {
				c = ask(tool.Choice{Mode: tool.Named, Name: f.Name}, f, other)
			}
			c.Parallel = i%4 < 2
			r := Request{}
			r.MaxTokens = 600
			got := s.tell(t, c, r)
			if got.Text.Len() > 0 && got.finish != engine.Length {
				t.Errorf("%s, %s: text %q", name, f.Name, got.Text.String())
			}
			if got.finish != ToolCalls {
				continue
			}
			ended++
			if !c.Parallel && len(got.Calls) != 1 {
				t.Errorf("%s, %s: %d calls, none parallel", name, f.Name, len(got.Calls))
			}
			for _, call := range got.Calls {
				at := slices.IndexFunc([]tool.Tool{f, other}, func(t tool.Tool) bool { return t.Name == call.Name })
				if at < 0 || at > 0 && c.ToolChoice.Mode == tool.Named {
					t.Errorf("%s, %s: a call of %q", name, f.Name, call.Name)
					continue
				}
				if err := valid([]tool.Tool{f, other}[at], call.Arguments); err != nil {
					t.Errorf("%s, %s: %s: %v", name, call.Name, call.Arguments, err)
				}
			}
		}
		t.Logf("%s: %d of %d answers ended", name, ended, len(tools))
		if ended < 40 {
			t.Errorf("%s: %d of %d answers ended", name, ended, len(tools))
		}
	}
}

// TestAutoAllowsTextAndCalls: an answer is what the model begins, and only markers
// bind it.
func TestAutoAllowsTextAndCalls(t *testing.T) {
	f := tool.Tool{Name: "f", Parameters: []byte(`{"type":"object","properties":{"a":{"enum":["日","b"]}},"required":["a"],"additionalProperties":false}`)}
	for _, tt := range []struct{ format, script, text string }{
		{"generic", "Hello.", "Hello."},
		{"generic", `{"tool_call": 1}`, `{"tool_call": 1}`},
		{"generic", `{"tool_calls": [{"name": "f", "arguments": {"a": "日"}}]}`, ""},
		{"generic", ` {"tool_calls"`, ""},
		{"native_hermes", "Hello <tool>", "Hello <tool>"},
		{"native_hermes", "Let me see. <tool_call>", "Let me see. "},
		{"native_mistral", "No [TOOL] here", "No [TOOL] here"},
		{"native_llama", `{"name": "Bob"}`, `{"name": "Bob"}`},
		{"native_llama", `{"name": "f", "parameters": {`, ""},
	} {
		e := &drawing{rng: rand.New(rand.NewPCG(3, 4))}
		s := talk(t, tt.format, e)
		e.script = append(s.write(tt.script), s.Completer.Tokenizer.EOS())
		got := s.tell(t, ask(tool.Choice{}, f), Request{Request: engine.Request{MaxTokens: 300}})
		wantCalls := tt.text == "" || strings.HasSuffix(tt.script, "<tool_call>")
		if got.Text.String() != tt.text || wantCalls != (len(got.Calls) > 0) || wantCalls != (got.finish == ToolCalls) {
			t.Errorf("%s, %q: %q, calls %v, %s", tt.format, tt.script, got.Text.String(), got.Calls, got.finish)
		}
		for _, c := range got.Calls {
			if err := valid(f, c.Arguments); err != nil {
				t.Errorf("%s, %q: %s: %v", tt.format, tt.script, c.Arguments, err)
			}
		}
	}
}

// TestSpecialTokensMarkCalls: the marker is one special token, which is no text
// elsewhere.
func TestSpecialTokensMarkCalls(t *testing.T) {
	e := &drawing{rng: rand.New(rand.NewPCG(5, 6)), script: []int32{32000}}
	s := talk(t, "native_mistral", e)
	f := tool.Tool{Name: "f"}
	got := s.tell(t, ask(tool.Choice{}, f), Request{Request: engine.Request{MaxTokens: 300}})
	if got.finish != ToolCalls || got.Text.Len() > 0 || got.Calls[0].Arguments != "{}" {
		t.Errorf("%q, calls %v, %s", got.Text.String(), got.Calls, got.finish)
	}
	// Without tools the token is none that an answer shows.
	e.script = append([]int32{32000}, s.write("x")...)
	if got := s.tell(t, ask(tool.Choice{}), Request{}); got.Text.String() != "x" || got.finish != engine.Stop {
		t.Errorf("without tools: %q, %s", got.Text.String(), got.finish)
	}
}

// TestCallsComeInParts: a call begins with its name, its arguments come in pieces,
// and its id is a function of prompt, seed, choice and number.
func TestCallsComeInParts(t *testing.T) {
	e := &drawing{rng: rand.New(rand.NewPCG(7, 8))}
	s := talk(t, "generic", e)
	f := tool.Tool{Name: "f", Parameters: []byte(`{"type":"object","properties":{"a":{"type":"string"}}}`)}
	e.script = s.write(`{"tool_calls": [{"name": "f", "arguments": {"a": "one two three"}}, {"name": "f", "arguments": {"a": "四"}}]}`)
	r := Request{Stop: []string{"two", "}"}} // no stop text within calls
	got := s.tell(t, ask(tool.Choice{}, f), r)
	if len(got.Calls) != 2 || got.Calls[0].Arguments != `{"a": "one two three"}` || got.Calls[1].Arguments != `{"a": "四"}` || got.finish != ToolCalls {
		t.Fatalf("calls %v, %s", got.Calls, got.finish)
	}
	pieces := 0
	for i, p := range got.parts {
		if i == 0 && (p.Kind != CallBegun || p.Name != "f" || p.Index != 0) {
			t.Errorf("part %d is %+v", i, p)
		}
		if p.Kind == Arguments && p.Index == 0 {
			pieces++
		}
	}
	if pieces < 1 {
		t.Errorf("the arguments came in %d pieces", pieces)
	}
	same := s.tell(t, ask(tool.Choice{}, f), r)
	r.Choice = 1
	other := s.tell(t, ask(tool.Choice{}, f), r)
	ids := []string{got.Calls[0].ID, got.Calls[1].ID, other.Calls[0].ID, other.Calls[1].ID}
	slices.Sort(ids)
	if same.Calls[0].ID != got.Calls[0].ID || len(slices.Compact(ids)) != 4 || !strings.HasPrefix(ids[0], "call_") {
		t.Errorf("ids %v, again %s", ids, same.Calls[0].ID)
	}
	// A call that is cut.
	e.script = e.script[:len(e.script)/2]
	cut := s.tell(t, ask(tool.Choice{}, f), Request{Request: engine.Request{MaxTokens: len(e.script)}})
	if cut.finish != engine.Length || len(cut.Calls) != 1 || !strings.HasPrefix(got.Calls[0].Arguments, cut.Calls[0].Arguments) {
		t.Errorf("cut: %v, %s", cut.Calls, cut.finish)
	}
}

// TestReasoningIsApart from text and calls, also where the prompt begins it.
func TestReasoningIsApart(t *testing.T) {
	e := &drawing{rng: rand.New(rand.NewPCG(9, 10))}
	s := talk(t, "native_hermes", e)
	f := tool.Tool{Name: "f"}
	output := JSONSchema("response_format", []byte(`{"enum":["yes"]}`))
	for _, tt := range []struct {
		name, script, reasoning, text string
		tools                         []tool.Tool
		choice                        tool.Mode
		output                        *StructuredOutput
		calls                         int
	}{
		{name: "text", script: "<think>\nHm.\n</think>\n\nYes.", reasoning: "Hm.", text: "Yes."},
		{name: "none", script: "Yes.", text: "Yes."},
		{name: "a call", script: "<think>\nHm.\n</think>\n\n<tool_call>", reasoning: "Hm.", tools: []tool.Tool{f}, calls: 1},
		{name: "a required call", script: "<think>Hm.</think>", reasoning: "Hm.", tools: []tool.Tool{f}, choice: tool.Required, calls: 1},
		{name: "output", script: "<think>Hm.</think>\n", reasoning: "Hm.", text: `"yes"`, output: output},
		{name: "output without", script: `"`, text: `"yes"`, output: output},
	} {
		e.script = s.write(tt.script)
		c := ask(tool.Choice{Mode: tt.choice}, tt.tools...)
		c.Output, c.Parallel = tt.output, false
		if got := s.tell(t, c, Request{Request: engine.Request{MaxTokens: 200}}); got.Reasoning.String() != tt.reasoning || got.Text.String() != tt.text || len(got.Calls) != tt.calls {
			t.Errorf("%s: reasoning %q, text %q, calls %v, %s", tt.name, got.Reasoning.String(), got.Text.String(), got.Calls, got.finish)
		}
	}
	// A template argument that the template reads, and one that it does not.
	c := ask(tool.Choice{})
	c.TemplateArgs = map[string]any{"enable_thinking": false, "color": "red"}
	turn, err := s.Prepare(context.Background(), c)
	if err != nil || !slices.Equal(turn.IgnoredArgs, []string{"color"}) || !strings.HasSuffix(s.Template.Answers().Decode(turn.Prompt), "</think>\n\n") {
		t.Errorf("ignored %v, %v", turn.IgnoredArgs, err)
	}
}

// TestContinuedMessages: the prompt ends within the assistant's text, and the
// answer is the rest.
func TestContinuedMessages(t *testing.T) {
	e := &drawing{rng: rand.New(rand.NewPCG(11, 12))}
	s := talk(t, "generic", e)
	e.script = s.write("world")
	c := Conversation{Messages: []chat.Message{{Role: "user", Content: "x"}, {Role: "assistant", Content: "Hello,"}}, Continue: true}
	got := s.tell(t, c, Request{})
	if prompt := s.Template.Answers().Decode(e.prompt); got.Text.String() != " world" || !strings.HasSuffix(prompt, "[/INST]Hello,") {
		t.Errorf("%q continues %q", got.Text.String(), prompt)
	}
	if e.prompt[len(e.prompt)-1] == s.Completer.Tokenizer.EOS() {
		t.Error("the continued message has ended")
	}
}

// TestOutputsBesideTools: a text must match, calls stay possible, and a format
// whose texts may begin as calls do is refused.
func TestOutputsBesideTools(t *testing.T) {
	e := &drawing{rng: rand.New(rand.NewPCG(13, 14))}
	s := talk(t, "generic", e)
	f := tool.Tool{Name: "f"}
	for _, tt := range []struct {
		output *StructuredOutput
		script string
		text   string
		calls  int
	}{
		{JSONObject("response_format"), `{"a": 1}`, `{"a": 1}`, 0},
		{JSONObject("response_format"), `{"tool_calls"`, "", 1},
		{OneOf("structured_outputs", []string{"yes", "no"}), "yes", "yes", 0},
		{OneOf("structured_outputs", []string{"yes", "no"}), `{"tool_calls"`, "", 1},
	} {
		e.script = append(s.write(tt.script), s.Completer.Tokenizer.EOS())
		c := ask(tool.Choice{}, f)
		c.Output, c.Parallel = tt.output, false
		if got := s.tell(t, c, Request{Request: engine.Request{MaxTokens: 200}}); got.Text.String() != tt.text || len(got.Calls) != tt.calls {
			t.Errorf("%q: %q, calls %v, %s", tt.script, got.Text.String(), got.Calls, got.finish)
		}
	}
	c := ask(tool.Choice{}, f)
	c.Output = Regex("structured_outputs.regex", `\{.*\}`)
	turn, err := s.Prepare(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	var r Request
	turn.Answers(&r)
	var fault *Fault
	if _, err := s.Completer.Start(t.Context(), r); !errors.As(err, &fault) || fault.Param != "structured_outputs.regex" || !errors.Is(err, grammar.ErrConfusing) {
		t.Errorf("a regular expression that calls match: %v", err)
	}
}
