package e2e

import (
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"

	"github.com/hachi-serve/hachi/internal/api"
	"github.com/hachi-serve/hachi/internal/api/completion"
	"github.com/hachi-serve/hachi/internal/api/httpapi"
	"github.com/hachi-serve/hachi/internal/local"
	"github.com/hachi-serve/hachi/internal/router/engine"
	"github.com/hachi-serve/hachi/internal/router/engine/enginetest"
	"github.com/hachi-serve/hachi/internal/text/chat"
	"github.com/hachi-serve/hachi/internal/text/tokenizer"
)

// TestRealOpenAIClient runs the official Go client against a cluster.
func TestRealOpenAIClient(t *testing.T) {
	t.Parallel()
	cluster := hachi.Cluster(t, func(c *local.UpConfig) { c.Nodes = 2 })
	client := openai.NewClient(option.WithBaseURL(cluster.URL()+"/v1/"), option.WithAPIKey("none"))
	ask := openai.ChatCompletionNewParams{
		Model: "tiny", MaxCompletionTokens: openai.Int(8), Seed: openai.Int(3), Temperature: openai.Float(0.9),
		Messages: []openai.ChatCompletionMessageParamUnion{openai.SystemMessage("Be brief."), openai.UserMessage("こんにちは")},
	}
	answer, err := client.Chat.Completions.New(t.Context(), ask)
	if err != nil {
		t.Fatal(err)
	}
	if answer.Usage.CompletionTokens != 8 || answer.Choices[0].FinishReason != "length" || answer.Choices[0].Message.Content == "" {
		t.Errorf("chat: %+v", answer.Choices[0])
	}
	ask.StreamOptions.IncludeUsage = openai.Bool(true)
	stream := client.Chat.Completions.NewStreaming(t.Context(), ask)
	var text strings.Builder
	var used int64
	for stream.Next() {
		for _, c := range stream.Current().Choices {
			text.WriteString(c.Delta.Content)
		}
		used = max(used, stream.Current().Usage.CompletionTokens)
	}
	if err := stream.Err(); err != nil || text.String() != answer.Choices[0].Message.Content || used != 8 {
		t.Errorf("streamed %q with %d tokens, %v; not streamed %q", text.String(), used, err, answer.Choices[0].Message.Content)
	}
	done, err := client.Completions.New(t.Context(), openai.CompletionNewParams{
		Model: "tiny", Prompt: openai.CompletionNewParamsPromptUnion{OfString: openai.String("one two")},
		MaxTokens: openai.Int(3), Logprobs: openai.Int(2), Echo: openai.Bool(true), Temperature: openai.Float(0),
	})
	if err != nil || len(done.Choices[0].Logprobs.Tokens) != 6 || !strings.HasPrefix(done.Choices[0].Text, "one two") {
		t.Errorf("completion: %+v, %v", done, err)
	}
	ask.Logprobs, ask.TopLogprobs, ask.StreamOptions = openai.Bool(true), openai.Int(2), openai.ChatCompletionStreamOptionsParam{}
	if answer, err = client.Chat.Completions.New(t.Context(), ask); err != nil || len(answer.Choices[0].Logprobs.Content) != 8 {
		t.Errorf("log probabilities: %+v, %v", answer, err)
	}
	for _, l := range answer.Choices[0].Logprobs.Content {
		if len(l.TopLogprobs) != 2 || l.Logprob > 0 || l.TopLogprobs[0].Logprob < l.TopLogprobs[1].Logprob {
			t.Errorf("log probabilities: %+v", l)
		}
	}
	models, err := client.Models.List(t.Context())
	if err != nil || len(models.Data) != 1 || models.Data[0].ID != "tiny" {
		t.Errorf("models: %+v, %v", models, err)
	}
	if one, err := client.Models.Get(t.Context(), "tiny"); err != nil || one.ID != "tiny" {
		t.Errorf("model: %+v, %v", one, err)
	}
	ask.Temperature = openai.Float(3)
	_, err = client.Chat.Completions.New(t.Context(), ask)
	var refused *openai.Error
	if !errors.As(err, &refused) || refused.StatusCode != 400 || refused.Param != "temperature" {
		t.Errorf("a temperature of 3: %v", err)
	}
}

// TestRealOpenAIClientSeesABrokenStream: an answer that fails in the middle is
// an error to the client, and what was said before it stays.
func TestRealOpenAIClientSeesABrokenStream(t *testing.T) {
	t.Parallel()
	words, err := tokenizer.Load(hachi.Model)
	if err != nil {
		t.Fatal(err)
	}
	fake := &enginetest.Engine{Script: func(engine.Request) enginetest.Script {
		return enginetest.Script{Tokens: words.Encode("Hello world"), Hold: true}
	}}
	server := httptest.NewServer(api.Handler(api.Config{Config: httpapi.Config{Service: completion.Service{
		Model: "tiny", Completer: &completion.Completer{Engine: completion.Local{Engine: fake}, Tokenizer: words, Context: 1000}, Template: chat.MustParse(chat.KarakuriTemplate, words),
		Deadline: time.Minute,
	}}}, func() bool { return true }))
	defer server.Close()
	client := openai.NewClient(option.WithBaseURL(server.URL+"/v1/"), option.WithAPIKey("none"))
	stream := client.Chat.Completions.NewStreaming(t.Context(), openai.ChatCompletionNewParams{
		Model: "tiny", Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage("x")},
	})
	var text string
	for stream.Next() {
		for _, c := range stream.Current().Choices {
			text += c.Delta.Content
		}
		if text == "Hello world" {
			fake.Calls()[0].End(engine.Event{Err: engine.ErrStopped})
		}
	}
	if err := stream.Err(); text != "Hello world" || err == nil || !strings.Contains(err.Error(), engine.ErrStopped.Error()) {
		t.Errorf("%q, then %v", text, err)
	}
}
