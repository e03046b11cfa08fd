package grpcapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/hachi-serve/hachi/internal/api/completion"
	"github.com/hachi-serve/hachi/internal/router/engine"
	"github.com/hachi-serve/hachi/internal/router/engine/enginetest"
	"github.com/hachi-serve/hachi/internal/router/scheduler"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// generated is a whole answer over gRPC.
type generated struct {
	text     string
	tokens   []uint32
	logprobs []*hachiv1.TokenLogprob
	last     *hachiv1.GenerateResponse
	messages int
}

func (b *bench) generate(ctx context.Context, in *hachiv1.GenerateRequest) (generated, error) {
	var g generated
	stream, err := b.client.Generate(ctx, in)
	if err != nil {
		return g, err
	}
	for {
		m, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return g, nil
		}
		if err != nil {
			return g, err
		}
		g.messages++
		g.text += m.GetText()
		g.tokens = append(g.tokens, m.GetTokens()...)
		g.logprobs = append(g.logprobs, m.GetLogprobs()...)
		g.last = m
	}
}

func textPrompt(text string) *hachiv1.GenerateRequest {
	return &hachiv1.GenerateRequest{Prompt: &hachiv1.GenerateRequest_Text{Text: text}}
}

func tokenPrompt(ids ...uint32) *hachiv1.GenerateRequest {
	return &hachiv1.GenerateRequest{Prompt: &hachiv1.GenerateRequest_Tokens{Tokens: &hachiv1.TokenList{Ids: ids}}}
}

func conversation(c *hachiv1.Conversation) *hachiv1.GenerateRequest {
	return &hachiv1.GenerateRequest{Prompt: &hachiv1.GenerateRequest_Conversation{Conversation: c}}
}

func TestGenerateText(t *testing.T) {
	b := start(t, nil)
	b.saying("world 八")
	in := textPrompt("Hello")
	in.MaxTokens, in.Temperature, in.TopP, in.TopK, in.MinP, in.Seed = 9, 0.5, 0.75, 40, 0.25, 7
	in.TypicalP, in.RepetitionPenalty, in.FrequencyPenalty, in.PresencePenalty = 0.5, 1.25, -0.5, 2
	in.LogitBias, in.MinTokens, in.StopTokens = map[uint32]float32{5: -100}, 2, []uint32{13}
	in.IgnoreEos, in.Priority, in.FailFast = true, -3, true
	got, err := b.generate(t.Context(), in)
	if err != nil || got.text != " world 八" || got.last.GetFinishReason() != hachiv1.FinishReason_FINISH_REASON_STOP {
		t.Fatalf("%+v, %v", got, err)
	}
	if u := got.last.GetUsage(); u.GetPromptTokens() != 2 || int(u.GetCompletionTokens()) != len(got.tokens) || len(got.logprobs) != 0 {
		t.Errorf("usage %v of %v", u, got.tokens)
	}
	r := b.engine.Calls()[0].Request
	p := r.Params
	if !slices.Equal(r.Prompt, []int32{1, 22557}) || r.MaxTokens != 9 || p.Temperature != 0.5 || p.TopP != 0.75 || p.TopK != 40 || p.MinP != 0.25 || p.Seed != 7 || r.Logprobs != -1 {
		t.Errorf("asked for %+v", r)
	}
	if p.TypicalP != 0.5 || p.RepetitionPenalty != 1.25 || p.FrequencyPenalty != -0.5 || p.PresencePenalty != 2 || p.LogitBias[5] != -100 ||
		p.MinTokens != 2 || !slices.Equal(r.StopTokens, []int32{13}) || r.Priority != -3 || !r.FailFast {
		t.Errorf("asked for %+v", r)
	}
}

func TestGenerateTokensWithLogprobs(t *testing.T) {
	b := start(t, nil)
	b.saying("one two three")
	in := tokenPrompt(1, 22557)
	in.MaxTokens, in.Logprobs, in.TopLogprobs = 2, true, 2
	got, err := b.generate(t.Context(), in)
	if err != nil || got.text != " one two" || got.last.GetFinishReason() != hachiv1.FinishReason_FINISH_REASON_LENGTH {
		t.Fatalf("%+v, %v", got, err)
	}
	if r := b.engine.Calls()[0].Request; !slices.Equal(r.Prompt, []int32{1, 22557}) {
		t.Errorf("the prompt became %v", r.Prompt)
	}
	for i, l := range got.logprobs {
		a := l.GetAlternatives()
		if l.GetToken() != got.tokens[i] || l.GetLogprob() != -float32(i+1)/2 || len(a) != 2 || a[0].GetToken() != got.tokens[i] {
			t.Errorf("token %d: %v", i, l)
		}
	}
	if len(got.logprobs) != 2 {
		t.Errorf("%d log probabilities", len(got.logprobs))
	}
}

func TestGenerateConversation(t *testing.T) {
	b := start(t, nil)
	b.saying("Hi")
	got, err := b.generate(t.Context(), conversation(&hachiv1.Conversation{
		Attributes: map[string]uint32{"humor": 1, "quality": 3},
		Messages: []*hachiv1.Message{
			{Role: "system", Content: "S"},
			{Role: "user", Content: "U", Attributes: map[string]uint32{"humor": 4}},
			{Role: "assistant", Content: "A"},
			{Role: "user", Content: "V"},
		},
	}))
	if err != nil || got.text != "Hi" {
		t.Fatalf("%+v, %v", got, err)
	}
	prompt := b.tokenizer.Decode(b.engine.Calls()[0].Request.Prompt)
	for _, want := range []string{"<<SYS>>\nS\n<</SYS>>", "quality: 3 toxicity: 0 humor: 4 creativity: 0", "quality: 3 toxicity: 0 humor: 1 creativity: 0"} {
		if !strings.Contains(prompt, want) {
			t.Errorf("%q has no %q", prompt, want)
		}
	}
}

func TestGenerateStructuredOutput(t *testing.T) {
	b := start(t, nil)
	for i, tt := range []struct {
		set  func(*hachiv1.GenerateRequest)
		text string
	}{
		{func(in *hachiv1.GenerateRequest) {
			in.StructuredOutput = &hachiv1.GenerateRequest_JsonObject{JsonObject: true}
		}, `{"a":1}`},
		{func(in *hachiv1.GenerateRequest) {
			in.StructuredOutput = &hachiv1.GenerateRequest_JsonSchema{JsonSchema: `{"type":"boolean"}`}
		}, "true"},
		{func(in *hachiv1.GenerateRequest) { in.StructuredOutput = &hachiv1.GenerateRequest_Regex{Regex: "a+b"} }, "aab"},
		{func(in *hachiv1.GenerateRequest) {
			in.StructuredOutput = &hachiv1.GenerateRequest_Choice{Choice: &hachiv1.TextList{Texts: []string{"yes", "no"}}}
		}, "no"},
	} {
		in := conversation(&hachiv1.Conversation{Messages: []*hachiv1.Message{{Role: "user", Content: "x"}}})
		tt.set(in)
		if _, err := b.generate(t.Context(), in); err != nil {
			t.Fatal(err)
		}
		m := b.engine.Calls()[i].Request.Matcher
		for _, token := range b.tokenizer.Encode(tt.text) {
			if !m.Accept(token) {
				t.Errorf("%q is not taken at %d", tt.text, token)
			}
		}
		if !m.Done() && !m.Accept(b.tokenizer.EOS()) {
			t.Errorf("%q is not at an end", tt.text)
		}
	}
}

// TestJSONObjectIsOffWhereItIsFalse, as where it is not set.
func TestJSONObjectIsOffWhereItIsFalse(t *testing.T) {
	b := start(t, nil)
	in := textPrompt("x")
	in.StructuredOutput = &hachiv1.GenerateRequest_JsonObject{}
	if _, err := b.generate(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	if m := b.engine.Calls()[0].Request.Matcher; m != nil {
		t.Errorf("the answer has a grammar: %v", m)
	}
}

// TestGenerateStreams: what is there is sent while the rest is not.
func TestGenerateStreams(t *testing.T) {
	b := start(t, nil)
	b.holding("one two")
	stream, err := b.client.Generate(t.Context(), textPrompt("x"))
	if err != nil {
		t.Fatal(err)
	}
	text := ""
	for text != " one two" {
		m, err := stream.Recv()
		if err != nil {
			t.Fatal(err)
		}
		text += m.GetText()
	}
	b.engine.Calls()[0].End(engine.Event{Token: -1, Finish: engine.Stop})
	if m, err := stream.Recv(); err != nil || m.GetFinishReason() != hachiv1.FinishReason_FINISH_REASON_STOP {
		t.Errorf("%v, %v", m, err)
	}
	if _, err := stream.Recv(); !errors.Is(err, io.EOF) {
		t.Errorf("after the end: %v", err)
	}
}

func TestGenerateStops(t *testing.T) {
	b := start(t, nil)
	b.saying("one two three")
	in := textPrompt("x")
	in.Stop = []string{"three", "wo th"}
	if got, err := b.generate(t.Context(), in); err != nil || got.text != " one t" || got.last.GetFinishReason() != hachiv1.FinishReason_FINISH_REASON_STOP {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestGenerateRefuses(t *testing.T) {
	b := start(t, nil)
	with := func(change func(*hachiv1.GenerateRequest)) *hachiv1.GenerateRequest {
		in := textPrompt("x")
		change(in)
		return in
	}
	user := func(attributes map[string]uint32) *hachiv1.GenerateRequest {
		return conversation(&hachiv1.Conversation{Messages: []*hachiv1.Message{{Role: "user", Content: "x", Attributes: attributes}}})
	}
	noChoice := &hachiv1.GenerateRequest_Choice{Choice: &hachiv1.TextList{}}
	withTool := func(choice *hachiv1.GenerateRequest_Choice) *hachiv1.GenerateRequest {
		in := conversation(&hachiv1.Conversation{Messages: []*hachiv1.Message{{Role: "user", Content: "x"}}, Tools: []*hachiv1.Tool{weather}})
		in.StructuredOutput = choice
		return in
	}
	tests := []struct {
		mention string
		in      *hachiv1.GenerateRequest
	}{
		{"prompt is missing", &hachiv1.GenerateRequest{}},
		{"no tokens", tokenPrompt()},
		{"position 1 is 32000", tokenPrompt(1, 32000)},
		{"4294967295", tokenPrompt(1<<32 - 1)},
		{"holds 300", textPrompt(strings.Repeat("word ", 400))},
		{"temperature", with(func(in *hachiv1.GenerateRequest) { in.Temperature = 2.5 })},
		{"top_p", with(func(in *hachiv1.GenerateRequest) { in.TopP = -1 })},
		{"min_p", with(func(in *hachiv1.GenerateRequest) { in.MinP = 1.5 })},
		{"penalty", with(func(in *hachiv1.GenerateRequest) { in.FrequencyPenalty = 3 })},
		{"logit_bias", with(func(in *hachiv1.GenerateRequest) { in.LogitBias = map[uint32]float32{5: 101} })},
		{"stop_tokens", with(func(in *hachiv1.GenerateRequest) { in.StopTokens = []uint32{32000} })},
		{"min_tokens is 5", with(func(in *hachiv1.GenerateRequest) { in.MinTokens, in.MaxTokens = 5, 4 })},
		{"structured_output", with(func(in *hachiv1.GenerateRequest) { in.StructuredOutput = &hachiv1.GenerateRequest_Regex{Regex: "("} })},
		{"structured_output", with(func(in *hachiv1.GenerateRequest) { in.StructuredOutput = noChoice })},
		{"structured_output", withTool(noChoice)},
		{"/not", with(func(in *hachiv1.GenerateRequest) {
			in.StructuredOutput = &hachiv1.GenerateRequest_JsonSchema{JsonSchema: `{"not":{"type":"string"}}`}
		})},
		{"top_logprobs is 21", with(func(in *hachiv1.GenerateRequest) { in.Logprobs, in.TopLogprobs = true, 21 })},
		{"needs logprobs", with(func(in *hachiv1.GenerateRequest) { in.TopLogprobs = 1 })},
		{"empty text", with(func(in *hachiv1.GenerateRequest) { in.Stop = []string{"a", ""} })},
		{"17 texts", with(func(in *hachiv1.GenerateRequest) { in.Stop = strings.Split(strings.Repeat("a", 17), "") })},
		{"humor", user(map[string]uint32{"humor": 5})},
		{"kindness", user(map[string]uint32{"kindness": 1})},
		{"user", conversation(&hachiv1.Conversation{Messages: []*hachiv1.Message{{Role: "assistant", Content: "x"}}})},
		{"humor", conversation(&hachiv1.Conversation{Messages: []*hachiv1.Message{{Role: "user", Content: "x"}}, Attributes: map[string]uint32{"humor": 1 << 31}})},
	}
	for _, tt := range tests {
		_, err := b.generate(t.Context(), tt.in)
		if status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), tt.mention) {
			t.Errorf("%v: %v, want InvalidArgument and %q", tt.in, err, tt.mention)
		}
	}
	if n := len(b.engine.Calls()); n != 0 {
		t.Errorf("%d bad requests reached the engine", n)
	}
}

func TestGenerateFailures(t *testing.T) {
	b := start(t, nil)
	for _, tt := range []struct {
		err  error
		code codes.Code
	}{
		{fmt.Errorf("%w: 4 wait", scheduler.ErrQueueFull), codes.ResourceExhausted},
		{engine.ErrStopped, codes.Unavailable},
		{&moe.Error{Op: "expert 0/1", Kind: moe.NoReplica}, codes.Unavailable},
		{&moe.Error{Op: "request", Kind: moe.Invalid}, codes.InvalidArgument},
		{errors.New("something broke"), codes.Internal},
	} {
		b.engine.Script = func(engine.Request) enginetest.Script { return enginetest.Script{Refuse: tt.err} }
		if _, err := b.generate(t.Context(), textPrompt("x")); status.Code(err) != tt.code || !strings.Contains(err.Error(), tt.err.Error()) {
			t.Errorf("refused with %v: %v, want %v", tt.err, err, tt.code)
		}
		b.engine.Script = func(engine.Request) enginetest.Script {
			return enginetest.Script{Tokens: []int32{22557}, Err: tt.err}
		}
		if _, err := b.generate(t.Context(), textPrompt("x")); status.Code(err) != tt.code {
			t.Errorf("failed with %v: %v, want %v", tt.err, err, tt.code)
		}
	}
}

// TestGenerateEndsWithItsClient: by deadline, by cancel, by the server's own
// deadline; and each time the engine forgets the request.
func TestGenerateEndsWithItsClient(t *testing.T) {
	for whose, ask := range map[string]func(within time.Duration) (*bench, error){
		"the client's": func(within time.Duration) (*bench, error) {
			b := start(t, nil)
			b.holding("one")
			ctx, cancel := context.WithTimeout(t.Context(), within)
			defer cancel()
			_, err := b.generate(ctx, textPrompt("x"))
			return b, err
		},
		"the server's": func(within time.Duration) (*bench, error) {
			b := start(t, func(s *completion.Service) { s.Deadline = within })
			b.holding("one")
			_, err := b.generate(t.Context(), textPrompt("x"))
			return b, err
		},
	} {
		// A deadline that passes before the engine hears of the request shows
		// nothing: a longer one will.
		within, heard := 50*time.Millisecond, false
		for ; !heard; within *= 2 {
			b, err := ask(within)
			if status.Code(err) != codes.DeadlineExceeded || within > time.Minute {
				t.Fatalf("past %s deadline of %v: %v", whose, within, err)
			}
			for _, c := range b.engine.Calls() {
				<-c.Done
				heard = true
			}
		}
	}

	b := start(t, nil)
	b.holding("one")
	ctx, cancel := context.WithCancel(t.Context())
	stream, err := b.client.Generate(ctx, textPrompt("x"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := stream.Recv(); status.Code(err) != codes.Canceled {
		t.Errorf("canceled: %v", err)
	}
	<-b.engine.Calls()[0].Done
}
