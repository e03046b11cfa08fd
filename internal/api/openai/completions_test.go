package openai

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/internal/router/engine"
	"github.com/hachi-serve/hachi/internal/router/engine/enginetest"
)

// textShape is what a client sees of a whole completion, and nothing else.
type textShape struct {
	ID          string `json:"id"`
	Object      string `json:"object"`
	Created     int64  `json:"created"`
	Model       string `json:"model"`
	Fingerprint string `json:"system_fingerprint"`
	Choices     []struct {
		Index    int                `json:"index"`
		Text     string             `json:"text"`
		Finish   string             `json:"finish_reason"`
		Logprobs *textLogprobsShape `json:"logprobs"`
		Prompt   promptLogprobs     `json:"prompt_logprobs"`
	} `json:"choices"`
	Usage usage `json:"usage"`
}

type textLogprobsShape struct {
	Tokens   []string             `json:"tokens"`
	Logprobs []*float32           `json:"token_logprobs"`
	Top      []map[string]float32 `json:"top_logprobs"`
	Offsets  []int                `json:"text_offset"`
}

const textPath = "/v1/completions"

func TestCompletion(t *testing.T) {
	b := newBench(t, saying("world"))
	got := ask[textShape](t, b, textPath, `{"prompt":"Hello"}`)
	c := got.Choices[0]
	if !strings.HasPrefix(got.ID, "cmpl-") || got.Object != "text_completion" || got.Created == 0 || got.Model != "org/m" || got.Fingerprint != "fp" {
		t.Errorf("%+v", got)
	}
	if c.Text != " world" || c.Finish != "stop" || c.Logprobs != nil || got.Usage != (usage{Prompt: 2, Completion: 1, Total: 3}) {
		t.Errorf("%+v, usage %+v", c, got.Usage)
	}
	if n := b.engine.Calls()[0].Request.MaxTokens; n != 16 {
		t.Errorf("the default is %d tokens, want 16", n)
	}
}

func TestPromptForms(t *testing.T) {
	b := newBench(t, nil)
	for _, tt := range []struct {
		prompt string
		want   [][]int32
	}{
		{`"Hello world"`, [][]int32{{1, 22557, 1526}}},
		{`""`, [][]int32{{1}}},
		{`["Hello","world"]`, [][]int32{{1, 22557}, {1, 1526}}},
		{`[22557, 1526]`, [][]int32{{22557, 1526}}},
		{`[1,22557]`, [][]int32{{1, 22557}}},
		{` [ 5.0 ] `, [][]int32{{5}}},
		{`[[1,22557],[1526]]`, [][]int32{{1, 22557}, {1526}}},
	} {
		before := len(b.engine.Calls())
		got := ask[textShape](t, b, textPath, `{"prompt":`+tt.prompt+`,"n":2}`)
		calls := b.engine.Calls()[before:]
		if len(calls) != 2*len(tt.want) || len(got.Choices) != len(calls) {
			t.Fatalf("%s: %d calls, %d choices", tt.prompt, len(calls), len(got.Choices))
		}
		for i, c := range calls {
			if !slices.Equal(c.Request.Prompt, tt.want[i/2]) || c.Request.Choice != i%2 || got.Choices[i].Index != i {
				t.Errorf("%s: call %d has prompt %v, choice %d, index %d", tt.prompt, i, c.Request.Prompt, c.Request.Choice, got.Choices[i].Index)
			}
		}
	}
	// A text that begins with the name of BOS is text.
	ask[textShape](t, b, textPath, `{"prompt":"<s>Hello"}`)
	calls := b.engine.Calls()
	if p := calls[len(calls)-1].Request.Prompt; p[0] != 1 || slices.Contains(p[1:], 1) || b.tokenizer.Decode(p) != "<s>Hello" {
		t.Errorf("<s>Hello became %v", p)
	}
}

func value(p *float32) string {
	if p == nil {
		return "null"
	}
	return fmt.Sprint(*p)
}

func TestCompletionLogprobs(t *testing.T) {
	answer := []int32{1526, 3 + 0xe6, 3 + 0x97, 3 + 0xa5, 1526} // world, the bytes of 日, world
	b := newBench(t, func(*bench, engine.Request) enginetest.Script { return enginetest.Script{Tokens: answer} })
	got := ask[textShape](t, b, textPath, `{"prompt":"Hello 八","logprobs":2,"echo":true}`)
	c := got.Choices[0]
	if c.Text != "Hello 八 world日 world" {
		t.Fatalf("%q", c.Text)
	}
	l := c.Logprobs
	wantTokens := []string{"<s>", " Hello", " ", "八", " world", `bytes:\xe6`, `bytes:\x97`, `bytes:\xa5`, " world"}
	wantOffsets := []int{0, 0, 5, 6, 7, 13, 13, 13, 14}
	wantValues := []string{"null", "-0.5", "-1", "-1.5", "-0.5", "-1", "-1.5", "-2", "-2.5"}
	if !slices.Equal(l.Tokens, wantTokens) || !slices.Equal(l.Offsets, wantOffsets) || len(l.Top) != len(l.Tokens) || len(l.Logprobs) != len(l.Tokens) {
		t.Errorf("tokens %q at %v, want %q at %v", l.Tokens, l.Offsets, wantTokens, wantOffsets)
	}
	for i, v := range l.Logprobs {
		if value(v) != wantValues[i] {
			t.Errorf("token %d has %s, want %s", i, value(v), wantValues[i])
		}
		if i == 0 && l.Top[0] != nil || i > 0 && (len(l.Top[i]) != 2 || l.Top[i][l.Tokens[i]] != *v) {
			t.Errorf("token %d has alternatives %v", i, l.Top[i])
		}
	}
	// Without alternatives the token itself is one; without echo offsets begin
	// with the answer.
	l = ask[textShape](t, b, textPath, `{"prompt":"Hello","logprobs":0}`).Choices[0].Logprobs
	if !slices.Equal(l.Offsets, []int{0, 6, 6, 6, 7}) || len(l.Top[0]) != 1 || l.Top[0][" world"] != -0.5 {
		t.Errorf("%+v", l)
	}
}

// TestPromptAlone is how evaluation harnesses score a text.
func TestPromptAlone(t *testing.T) {
	b := newBench(t, saying("world"))
	got := ask[textShape](t, b, textPath, `{"prompt":[1,22557,1526],"max_tokens":0,"echo":true,"logprobs":1}`)
	c := got.Choices[0]
	if c.Text != "Hello world" || c.Finish != "length" || got.Usage != (usage{Prompt: 3, Total: 3}) {
		t.Errorf("%+v, usage %+v", c, got.Usage)
	}
	if !slices.Equal(c.Logprobs.Tokens, []string{"<s>", " Hello", " world"}) || value(c.Logprobs.Logprobs[0]) != "null" || value(c.Logprobs.Logprobs[2]) != "-1" {
		t.Errorf("%+v", c.Logprobs)
	}
	for _, body := range []string{`{"prompt":"Hello","max_tokens":0,"echo":true}`, `{"prompt":"Hello","max_tokens":0}`} {
		got := ask[textShape](t, b, textPath, body)
		if want := strings.Repeat("Hello", strings.Count(body, "echo")); got.Choices[0].Text != want || got.Choices[0].Finish != "length" {
			t.Errorf("%s: %+v", body, got.Choices[0])
		}
	}
}

// TestPromptLogprobs are beside the answer, and do not show in it.
func TestPromptLogprobs(t *testing.T) {
	b := newBench(t, saying("world"))
	c := ask[textShape](t, b, textPath, `{"prompt":"Hello","prompt_logprobs":0,"logprobs":1}`).Choices[0]
	if len(c.Prompt) != 2 || c.Prompt[0] != nil || c.Prompt[1]["22557"].Logprob != -0.5 || c.Prompt[1]["22557"].Token != " Hello" || c.Prompt[1]["22557"].Rank != nil {
		t.Errorf("%+v", c.Prompt)
	}
	if !slices.Equal(c.Logprobs.Tokens, []string{" world"}) || c.Text != " world" {
		t.Errorf("%q %+v", c.Text, c.Logprobs)
	}
}

// TestBestOf: of five candidates the two with the best mean log probability,
// best first.
func TestBestOf(t *testing.T) {
	// The i-th token has -(i+1)/2: the shortest answer is the best.
	lengths := []int{4, 2, 5, 1, 2}
	b := newBench(t, func(b *bench, r engine.Request) enginetest.Script {
		return enginetest.Script{Tokens: slices.Repeat([]int32{1526}, lengths[r.Choice])}
	})
	got := ask[textShape](t, b, textPath, `{"prompt":["x","y"],"best_of":5,"n":2}`)
	want := []string{" world", " world world", " world", " world world"}
	for i, c := range got.Choices {
		if c.Index != i || c.Text != want[i] || c.Logprobs != nil {
			t.Errorf("choice %d: %+v, want %q", i, c, want[i])
		}
	}
	if len(got.Choices) != 4 || got.Usage != (usage{Prompt: 4, Completion: 28, Total: 32}) {
		t.Errorf("%d choices, usage %+v", len(got.Choices), got.Usage)
	}
}
