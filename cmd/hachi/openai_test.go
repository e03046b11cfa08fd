package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"

	"github.com/hachi-serve/hachi/local"
)

// TestRealOpenAIClient runs the official Go client against a cluster.
func TestRealOpenAIClient(t *testing.T) {
	cluster := startCluster(t, func(c *local.UpConfig) { c.Nodes = 2 })
	client := openai.NewClient(option.WithBaseURL(cluster.URL()+"/v1/"), option.WithAPIKey("none"))
	ask := openai.ChatCompletionNewParams{
		Model: "tiny", MaxCompletionTokens: openai.Int(8), Seed: openai.Int(3), Temperature: openai.Float(0.9),
		Messages: []openai.ChatCompletionMessageParamUnion{openai.SystemMessage("Be brief."), openai.UserMessage("こんにちは")},
	}
	chat, err := client.Chat.Completions.New(t.Context(), ask)
	if err != nil {
		t.Fatal(err)
	}
	if chat.Usage.CompletionTokens != 8 || chat.Choices[0].FinishReason != "length" || chat.Choices[0].Message.Content == "" {
		t.Errorf("chat: %+v", chat.Choices[0])
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
	if err := stream.Err(); err != nil || text.String() != chat.Choices[0].Message.Content || used != 8 {
		t.Errorf("streamed %q with %d tokens, %v; not streamed %q", text.String(), used, err, chat.Choices[0].Message.Content)
	}
	done, err := client.Completions.New(t.Context(), openai.CompletionNewParams{
		Model: "tiny", Prompt: openai.CompletionNewParamsPromptUnion{OfString: openai.String("one two")},
		MaxTokens: openai.Int(3), Logprobs: openai.Int(2), Echo: openai.Bool(true), Temperature: openai.Float(0),
	})
	if err != nil || len(done.Choices[0].Logprobs.Tokens) != 6 || !strings.HasPrefix(done.Choices[0].Text, "one two") {
		t.Errorf("completion: %+v, %v", done, err)
	}
	models, err := client.Models.List(t.Context())
	if err != nil || len(models.Data) != 1 || models.Data[0].ID != "tiny" {
		t.Errorf("models: %+v, %v", models, err)
	}
	ask.Temperature = openai.Float(3)
	_, err = client.Chat.Completions.New(t.Context(), ask)
	var api *openai.Error
	if !errors.As(err, &api) || api.StatusCode != 400 || api.Param != "temperature" {
		t.Errorf("a temperature of 3: %v", err)
	}
}
