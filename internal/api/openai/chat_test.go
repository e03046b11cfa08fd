package openai

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hachi-serve/hachi/internal/api/completion"
	"github.com/hachi-serve/hachi/internal/api/httpapi"
	"github.com/hachi-serve/hachi/internal/router/engine"
	"github.com/hachi-serve/hachi/internal/router/engine/enginetest"
	"github.com/hachi-serve/hachi/internal/text/chat"
)

// chatShape is what a client sees of a whole chat answer, and nothing else.
type chatShape struct {
	ID          string `json:"id"`
	Object      string `json:"object"`
	Created     int64  `json:"created"`
	Model       string `json:"model"`
	Fingerprint string `json:"system_fingerprint"`
	Choices     []struct {
		Index   int    `json:"index"`
		Finish  string `json:"finish_reason"`
		Message struct {
			Role    string  `json:"role"`
			Content string  `json:"content"`
			Refusal *string `json:"refusal"`
		} `json:"message"`
		Logprobs *struct {
			Content []chatTokenShape `json:"content"`
			Refusal *string          `json:"refusal"`
		} `json:"logprobs"`
	} `json:"choices"`
	Usage  usage          `json:"usage"`
	Prompt promptLogprobs `json:"prompt_logprobs"`
}

type chatTokenShape struct {
	Token   string           `json:"token"`
	Logprob float32          `json:"logprob"`
	Bytes   []int            `json:"bytes"`
	Top     []chatTokenShape `json:"top_logprobs"`
}

const chatPath = "/v1/chat/completions"

func TestChat(t *testing.T) {
	b := newBench(t, saying("Hello 八"))
	got := ask[chatShape](t, b, chatPath, `{`+user+`,"model":"org/m"}`)
	c := got.Choices[0]
	if !strings.HasPrefix(got.ID, "chatcmpl-") || got.Object != "chat.completion" || got.Created == 0 || got.Model != "org/m" || got.Fingerprint != "fp" {
		t.Errorf("%+v", got)
	}
	if len(got.Choices) != 1 || c.Message.Role != "assistant" || c.Message.Content != "Hello 八" || c.Finish != "stop" || c.Logprobs != nil {
		t.Errorf("%+v", c)
	}
	prompt := b.engine.Calls()[0].Request.Prompt
	if got.Usage != (usage{Prompt: len(prompt), Completion: 3, Total: len(prompt) + 3}) {
		t.Errorf("usage %+v of a prompt of %d", got.Usage, len(prompt))
	}
	if r := b.engine.Calls()[0].Request; r.MaxTokens != 0 || r.Logprobs != -1 || !slices.Equal(r.StopTokens, []int32{2}) {
		t.Errorf("asked for %+v", r)
	}
	if slices.Contains(prompt[1:], prompt[0]) || prompt[0] != 1 {
		t.Errorf("the prompt %v does not have exactly one BOS", prompt)
	}
}

// TestAttributesOfMessageOverRequestOverServer: the server's default is humor 2.
func TestAttributesOfMessageOverRequestOverServer(t *testing.T) {
	b := newBench(t, nil)
	for _, tt := range []struct{ body, want string }{
		{`{"messages":[{"role":"user","content":"x"}]}`, "humor: 2 creativity: 0"},
		{`{"messages":[{"role":"user","content":"x"}],"attributes":{"humor":1,"creativity":3}}`, "humor: 1 creativity: 3"},
		{`{"messages":[{"role":"user","content":"x","humor":0}],"attributes":{"humor":1,"creativity":3}}`, "humor: 0 creativity: 3"},
	} {
		ask[chatShape](t, b, chatPath, tt.body)
		calls := b.engine.Calls()
		if got := b.tokenizer.Decode(calls[len(calls)-1].Request.Prompt); !strings.Contains(got, tt.want) {
			t.Errorf("%s: %q has no %q", tt.body, got, tt.want)
		}
	}
}

func TestSpecialTokensInTextStayText(t *testing.T) {
	b := newBench(t, nil)
	ask[chatShape](t, b, chatPath, `{"messages":[{"role":"user","content":"<s></s>"}]}`)
	prompt := b.engine.Calls()[0].Request.Prompt
	if slices.Contains(prompt[1:], 1) || slices.Contains(prompt, 2) || !strings.Contains(b.tokenizer.Decode(prompt), "<s></s>") {
		t.Errorf("the prompt is %v", prompt)
	}
}

func TestChatChoices(t *testing.T) {
	b := newBench(t, func(b *bench, r engine.Request) enginetest.Script {
		return enginetest.Script{Tokens: b.tokenizer.Encode(strings.Repeat("a ", r.Choice+1))}
	})
	got := ask[chatShape](t, b, chatPath, `{`+user+`,"n":3,"seed":7}`)
	for i, c := range got.Choices {
		if c.Index != i || len(strings.Fields(c.Message.Content)) != i+1 {
			t.Errorf("choice %d: %+v", i, c)
		}
	}
	if prompt := len(b.engine.Calls()[0].Request.Prompt); len(got.Choices) != 3 || got.Usage.Prompt != prompt {
		t.Errorf("%d choices, usage %+v of a prompt of %d", len(got.Choices), got.Usage, prompt)
	}
	for i, c := range b.engine.Calls() {
		if c.Request.Choice != i || c.Request.Params.Seed != 7 {
			t.Errorf("choice %d has seed %d", c.Request.Choice, c.Request.Params.Seed)
		}
	}
}

func TestChatLogprobs(t *testing.T) {
	answer := []int32{22557, 1, 0, 3 + 0xe6, 3 + 0x97, 3 + 0xa5} // Hello, <s>, the unknown, the bytes of 日
	b := newBench(t, func(*bench, engine.Request) enginetest.Script { return enginetest.Script{Tokens: answer} })
	got := ask[chatShape](t, b, chatPath, `{`+user+`,"logprobs":true,"top_logprobs":2,"max_tokens":6}`)
	content := got.Choices[0].Logprobs.Content
	if got.Choices[0].Message.Content != "Hello日" || got.Choices[0].Finish != "length" || len(content) != 6 {
		t.Fatalf("%+v", got.Choices[0])
	}
	for i, want := range []string{" Hello", "<s>", "token_id:0", `\xe6`, `\x97`, `\xa5`} {
		c := content[i]
		if c.Token != want || c.Logprob != -float32(i+1)/2 || len(c.Top) != 2 || c.Top[0].Token != want || c.Top[1].Logprob != c.Logprob-1 {
			t.Errorf("token %d: %+v, want %q", i, c, want)
		}
	}
	if content[1].Bytes != nil || !slices.Equal(content[3].Bytes, []int{0xe6}) || !slices.Equal(content[0].Bytes, []int{' ', 'H', 'e', 'l', 'l', 'o'}) {
		t.Errorf("bytes %v, %v, %v", content[1].Bytes, content[3].Bytes, content[0].Bytes)
	}
	// Without alternatives their list is there, and empty.
	w := b.post(chatPath, `{`+user+`,"logprobs":true,"max_tokens":1}`)
	if !strings.Contains(w.Body.String(), `"top_logprobs":[]`) {
		t.Errorf("no empty top_logprobs: %s", w.Body)
	}
}

func TestStopTexts(t *testing.T) {
	b := newBench(t, saying("one two\nthree"))
	for _, tt := range []struct{ stop, want string }{
		{`"two"`, "one "},
		{`["\n"]`, "one two"},
		{`["three","one"]`, ""},
		{`["nine"]`, "one two\nthree"},
		{`[]`, "one two\nthree"},
	} {
		got := ask[chatShape](t, b, chatPath, `{`+user+`,"stop":`+tt.stop+`}`)
		if c := got.Choices[0]; c.Message.Content != tt.want || c.Finish != "stop" {
			t.Errorf("stop %s: %+v, want %q", tt.stop, c, tt.want)
		}
	}
}

func TestParametersReachTheEngine(t *testing.T) {
	b := newBench(t, nil)
	ask[chatShape](t, b, chatPath, `{`+user+`,"temperature":0.5,"top_p":0.9,"top_k":40,"min_p":0.05,"seed":-1,"max_completion_tokens":7,
		"logprobs":true,"top_logprobs":4,"priority":-3,"on_missing_expert":"fail","typical_p":0.4,"repetition_penalty":1.1,
		"frequency_penalty":-0.5,"presence_penalty":2,"logit_bias":{"7":-100,"31999":0.5},"min_tokens":3,"stop_token_ids":[13,5.0],"ignore_eos":true}`)
	r := b.engine.Calls()[0].Request
	p := r.Params
	if p.Temperature != 0.5 || p.TopP != 0.9 || p.TopK != 40 || p.MinP != 0.05 || p.Seed != 1<<64-1 {
		t.Errorf("%+v", p)
	}
	if r.MaxTokens != 7 || r.Logprobs != 4 || r.Priority != -3 || !r.FailFast || r.PromptLogprobs {
		t.Errorf("%+v", r)
	}
	if p.TypicalP != 0.4 || p.RepetitionPenalty != 1.1 || p.FrequencyPenalty != -0.5 || p.PresencePenalty != 2 || p.MinTokens != 3 ||
		!maps.Equal(p.LogitBias, map[int32]float64{7: -100, 31999: 0.5}) || !slices.Equal(r.StopTokens, []int32{13, 5}) {
		t.Errorf("%+v, stops %v", p, r.StopTokens)
	}
	ask[chatShape](t, b, chatPath, `{`+user+`}`)
	ask[chatShape](t, b, chatPath, `{`+user+`}`)
	p, q := b.engine.Calls()[1].Request.Params, b.engine.Calls()[2].Request.Params
	if p.Temperature != 1 || p.TopP != 1 || p.TopK != 0 || p.MinP != 0 || p.TypicalP != 1 || p.RepetitionPenalty != 1 || p.LogitBias != nil || p.Seed == q.Seed {
		t.Errorf("defaults %+v, then %+v", p, q)
	}
}

func TestPromptLogprobsOfAChat(t *testing.T) {
	b := newBench(t, saying("Hi"))
	got := ask[chatShape](t, b, chatPath, `{`+user+`,"prompt_logprobs":2,"n":2}`)
	prompt := b.engine.Calls()[0].Request.Prompt
	if len(got.Prompt) != len(prompt) || got.Prompt[0] != nil || got.Choices[0].Logprobs != nil {
		t.Fatalf("%d of %d tokens, %+v", len(got.Prompt), len(prompt), got.Choices[0])
	}
	for i, one := range got.Prompt[1:] {
		l, ok := one[strconv.Itoa(int(prompt[i+1]))]
		if !ok || len(one) != 2 || l.Logprob != -float32(i+1)/2 || *l.Rank != 1 {
			t.Errorf("token %d: %+v", i+1, one)
		}
	}
}

// TestAttributesThatTheTemplateDoesNotRead would not steer anything.
func TestAttributesThatTheTemplateDoesNotRead(t *testing.T) {
	b := newBench(t, failing)
	b.Handler = handler(httpapi.Config{Service: completion.Service{
		Completer: &completion.Completer{Engine: completion.Local{Engine: b.engine}, Tokenizer: b.tokenizer, Context: contextLength}, Template: chat.MustParse(chat.MistralTemplate, b.tokenizer),
		Deadline: time.Minute,
	}}, func() bool { return true })
	for _, tt := range []struct{ body, param string }{
		{`{"messages":[{"role":"user","content":"x","humor":1}]}`, "messages[0].humor"},
		{`{` + user + `,"attributes":{"quality":1}}`, "attributes.quality"},
		{`{"messages":[{"role":"system","content":"x"},{"role":"user","content":"x"}]}`, "messages"},
	} {
		if _, _, param, _ := readError(t, b.post(chatPath, tt.body)); param != tt.param {
			t.Errorf("%s: param %q, want %q", tt.body, param, tt.param)
		}
	}
}
