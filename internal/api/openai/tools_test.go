package openai

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/internal/router/engine"
	"github.com/hachi-serve/hachi/internal/router/engine/enginetest"
)

const (
	weather  = `{"type":"function","function":{"name":"get_weather","description":"天気","parameters":{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}}}`
	asksCall = `{"tool_calls": [{"name": "get_weather", "arguments": {"city": "大阪"}}, {"name": "get_weather", "arguments": {"city": "Kobe"}}]}`
)

// toolShape is what a client sees of a message with calls, or of a delta.
type toolShape struct {
	Role      string  `json:"role"`
	Content   *string `json:"content"`
	Reasoning string  `json:"reasoning_content"`
	Calls     []struct {
		Index    *int   `json:"index"`
		ID       string `json:"id"`
		Type     string `json:"type"`
		Function struct {
			Name      string `json:"name"`
			Arguments string `json:"arguments"`
		} `json:"function"`
	} `json:"tool_calls"`
}

type toolAnswer struct {
	Choices []struct {
		Index    int             `json:"index"`
		Message  toolShape       `json:"message"`
		Delta    toolShape       `json:"delta"`
		Finish   string          `json:"finish_reason"`
		Logprobs json.RawMessage `json:"logprobs"`
	} `json:"choices"`
}

// calling is an answer with two calls, an answer with text, and so on by turns of
// choices.
func calling(b *bench, r engine.Request) enginetest.Script {
	if r.Choice%2 == 1 {
		return enginetest.Script{Tokens: b.tokenizer.Encode("Sunny.")}
	}
	return enginetest.Script{Tokens: b.tokenizer.Encode(asksCall)}
}

func TestChatCallsTools(t *testing.T) {
	b := newBench(t, calling)
	w := b.post(chatPath, `{`+user+`,"tools":[`+weather+`],"seed":1,"n":2,"logprobs":true}`)
	var got toolAnswer
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != 200 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	first, second := got.Choices[0], got.Choices[1]
	if first.Finish != "tool_calls" || first.Message.Content != nil || len(first.Message.Calls) != 2 || len(first.Logprobs) < 100 {
		t.Fatalf("%+v", first)
	}
	for i, want := range []string{`{"city": "大阪"}`, `{"city": "Kobe"}`} {
		c := first.Message.Calls[i]
		if c.Type != "function" || c.Function.Name != "get_weather" || c.Function.Arguments != want || c.ID == "" || c.Index != nil {
			t.Errorf("call %d: %+v", i, c)
		}
	}
	if second.Finish != "stop" || second.Message.Content == nil || *second.Message.Content != "Sunny." || second.Message.Calls != nil {
		t.Errorf("%+v", second)
	}
	if !strings.Contains(w.Body.String(), `"content":null`) {
		t.Errorf("no content that is null: %s", w.Body)
	}
	prompt := b.tokenizer.Decode(b.engine.Calls()[0].Request.Prompt)
	for _, want := range []string{`"name":"get_weather"`, `"description":"天気"`, `"required":["city"]`, `{"tool_calls": [{"name": "NAME"`} {
		if !strings.Contains(prompt, want) {
			t.Errorf("the prompt has no %s: %s", want, prompt)
		}
	}
}

// TestStreamedCallsAreTheWhole: name first, then pieces that concatenate.
func TestStreamedCallsAreTheWhole(t *testing.T) {
	b := newBench(t, calling)
	body := `{` + user + `,"tools":[` + weather + `],"seed":1`
	var whole toolAnswer
	if err := json.Unmarshal(b.post(chatPath, body+`}`).Body.Bytes(), &whole); err != nil {
		t.Fatal(err)
	}
	var got toolShape
	chunks, finish := 0, ""
	lines := bufio.NewScanner(b.post(chatPath, body+`,"stream":true}`).Body)
	for lines.Scan() {
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok || data == "[DONE]" {
			continue
		}
		var chunk toolAnswer
		if err := json.Unmarshal([]byte(data), &chunk); err != nil {
			t.Fatal(err)
		}
		for _, c := range chunk.Choices {
			finish = c.Finish
			for _, d := range c.Delta.Calls {
				chunks++
				if *d.Index == len(got.Calls) {
					if d.ID == "" || d.Type != "function" || d.Function.Name == "" || d.Function.Arguments != "" {
						t.Errorf("a call begins with %s", data)
					}
					got.Calls = append(got.Calls, d)
				} else if d.ID != "" || d.Function.Name != "" || *d.Index != len(got.Calls)-1 {
					t.Errorf("a call goes on with %s", data)
				}
				got.Calls[*d.Index].Function.Arguments += d.Function.Arguments
			}
		}
	}
	want := whole.Choices[0].Message
	if finish != "tool_calls" || len(got.Calls) != len(want.Calls) || chunks < 4 {
		t.Fatalf("%d chunks, %+v, %s", chunks, got, finish)
	}
	for i, c := range got.Calls {
		if w := want.Calls[i]; c.ID != w.ID || c.Function != w.Function {
			t.Errorf("call %d: streamed %+v, whole %+v", i, c, w)
		}
	}
}

func TestReplayedCallsAreInThePrompt(t *testing.T) {
	b := newBench(t, saying("It is sunny."))
	call := `{"id":"c1","type":"function","function":{"name":"get_weather","arguments":"{\"city\":\"大阪\"}"}}`
	const head = "[INST] x [ATTR]"
	for _, tt := range []struct{ name, assistant, results, want string }{
		{"content null", `"content":null`, `{"role":"tool","tool_call_id":"c1","content":"Sunny"}`, "[/INST]{\"tool_calls\": [{\"name\": \"get_weather\", \"arguments\": {\"city\":\"大阪\"}}]} [INST] get_weather returned:\nSunny [ATTR]"},
		{"no content", `"refusal":null`, `{"role":"tool","tool_call_id":"c1","content":[{"type":"text","text":"Sun"},{"type":"text","text":"ny"}]}`, "[INST] get_weather returned:\nSunny [ATTR]"},
		{"text too", `"content":"Let me see."`, `{"role":"tool","tool_call_id":"c1","content":"Sunny"}`, "[/INST]Let me see.\n{\"tool_calls\""},
		{"two results and a question", `"content":""`, `{"role":"tool","tool_call_id":"c1","content":"Sunny"},{"role":"tool","tool_call_id":"c2","name":"f","content":"Rain"},{"role":"user","content":"And?","humor":3}`,
			"[INST] get_weather returned:\nSunny\n\nf returned:\nRain\n\nAnd? [ATTR]"},
		{"a result without a name", `"content":""`, `{"role":"tool","tool_call_id":"c9","content":""}`, "[INST] The function returned:\n [ATTR]"},
	} {
		body := `{"messages":[{"role":"user","content":"x"},{"role":"assistant",` + tt.assistant + `,"tool_calls":[` + call + `]},` + tt.results + `]`
		for _, tools := range []string{`}`, `,"tools":[` + weather + `]}`} {
			b.engine.Forget()
			w := b.post(chatPath, body+tools)
			if w.Code != 200 {
				t.Errorf("%s: %d %s", tt.name, w.Code, w.Body)
				continue
			}
			prompt := b.tokenizer.Decode(b.engine.Calls()[0].Request.Prompt)
			if !strings.Contains(prompt, tt.want) || !strings.Contains(prompt, head[len("[INST] "):]) {
				t.Errorf("%s: the prompt has no %q: %q", tt.name, tt.want, prompt)
			}
		}
	}
}

// TestToolsThatAreNotUsed ask for nothing.
func TestToolsThatAreNotUsed(t *testing.T) {
	b := newBench(t, saying("Hi"))
	plain := ask[chatShape](t, b, chatPath, `{`+user+`}`)
	for _, body := range []string{
		`{` + user + `,"tools":[` + weather + `],"tool_choice":"none"}`, `{` + user + `,"tools":[],"parallel_tool_calls":false}`,
		`{` + user + `,"tools":null,"tool_choice":null}`, `{` + user + `,"tool_choice":"auto"}`, `{` + user + `,"tool_choice":"none"}`,
	} {
		got := ask[chatShape](t, b, chatPath, body)
		if got.Choices[0].Message.Content != "Hi" || got.Usage != plain.Usage {
			t.Errorf("%s: %+v", body, got)
		}
	}
}

func TestAllowedTools(t *testing.T) {
	other := strings.ReplaceAll(weather, "get_weather", "other")
	b := newBench(t, calling)
	choice := `{"type":"allowed_tools","allowed_tools":{"mode":"required","tools":[{"type":"function","function":{"name":"other"}}]}}`
	w := b.post(chatPath, `{`+user+`,"tools":[`+weather+`,`+other+`],"tool_choice":`+choice+`,"max_tokens":3}`)
	if prompt := b.tokenizer.Decode(b.engine.Calls()[0].Request.Prompt); w.Code != 200 || strings.Contains(prompt, "get_weather") || !strings.Contains(prompt, `"other"`) {
		t.Errorf("%d %s, prompt %s", w.Code, w.Body, prompt)
	}
}

// TestAssistantMessagesAreContinued: the last message is the beginning of the
// answer.
func TestAssistantMessagesAreContinued(t *testing.T) {
	b := newBench(t, saying("world"))
	const turns = `{"messages":[{"role":"user","content":"x"},{"role":"assistant","content":"Hello,"}]`
	for _, more := range []string{`}`, `,"continue_final_message":true}`, `,"add_generation_prompt":false}`} {
		b.engine.Forget()
		got := ask[chatShape](t, b, chatPath, turns+more)
		prompt := b.engine.Calls()[0].Request.Prompt
		if got.Choices[0].Message.Content != " world" || !strings.HasSuffix(b.tokenizer.Decode(prompt), "[/INST]Hello,") {
			t.Errorf("%s: %q continues %q", more, got.Choices[0].Message.Content, b.tokenizer.Decode(prompt))
		}
	}
}

// TestTemplateVariables: those that the template sets itself before it reads them have no
// effect either.
func TestTemplateVariables(t *testing.T) {
	b := newBench(t, saying("Hi"))
	w := b.post(chatPath, `{`+user+`,"chat_template_kwargs":{"enable_thinking":false,"turns":[1]}}`)
	if got := w.Header().Values("X-Ignored-Parameters"); w.Code != 200 || strings.Join(got, " ") != "chat_template_kwargs.enable_thinking chat_template_kwargs.turns" {
		t.Errorf("%d, ignored %v: %s", w.Code, got, w.Body)
	}
}

// TestToolsOfAWholeRequestAreTokenized as chat renders them.
func TestToolsOfAWholeRequestAreTokenized(t *testing.T) {
	b := newBench(t, saying("Hi"))
	count := func(body string) int {
		return ask[struct {
			Tokens []int32 `json:"tokens"`
			Count  int     `json:"count"`
			Max    int     `json:"max_model_len"`
		}](t, b, "/tokenize", body).Count
	}
	got := ask[chatShape](t, b, chatPath, `{`+user+`,"tools":[`+weather+`]}`)
	if n := count(`{` + user + `,"tools":[` + weather + `]}`); n != got.Usage.Prompt || n <= count(`{`+user+`}`) {
		t.Errorf("%d tokens, chat has %d", n, got.Usage.Prompt)
	}
}

// TestFoundCases are requests of public reports that other servers failed on.
func TestFoundCases(t *testing.T) {
	paths, err := filepath.Glob("testdata/tools/*.json")
	if err != nil || len(paths) < 2 {
		t.Fatalf("%d cases, %v", len(paths), err)
	}
	b := newBench(t, saying("Hi"))
	for _, path := range paths {
		body, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if w := b.post(chatPath, string(body)); w.Code != 200 {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}
