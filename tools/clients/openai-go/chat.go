package main

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"slices"
	"strings"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/packages/ssestream"
	"github.com/openai/openai-go/v3/shared"
)

// days is the length of the array that sky describes.
const days = 40

// schema is a JSON Schema.
type schema = map[string]any

func object(property string, value schema) schema {
	return schema{"type": "object", "properties": schema{property: value}, "required": []string{property}, "additionalProperties": false}
}

var (
	city = object("city", schema{"enum": []string{"Kyoto", "Osaka"}})
	sky  = object("sky", schema{
		"type": "array", "items": schema{"enum": []string{"sunny", "rainy", "cloudy"}}, "minItems": days, "maxItems": days,
	})
)

func question(text string) openai.ChatCompletionNewParams {
	return openai.ChatCompletionNewParams{
		Model: model, Temperature: openai.Float(0), MaxCompletionTokens: openai.Int(200),
		Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage(text)},
	}
}

// withTool forces one call of a tool.
func withTool(ask openai.ChatCompletionNewParams, name string, parameters schema) openai.ChatCompletionNewParams {
	function := shared.FunctionDefinitionParam{Name: name, Parameters: parameters, Strict: openai.Bool(true)}
	ask.Tools = []openai.ChatCompletionToolUnionParam{openai.ChatCompletionFunctionTool(function)}
	ask.ToolChoice = openai.ChatCompletionToolChoiceOptionUnionParam{OfAuto: openai.String("required")}
	ask.ParallelToolCalls = openai.Bool(false)
	return ask
}

func models(ctx context.Context, client openai.Client) error {
	list, err := client.Models.List(ctx)
	if err != nil {
		return err
	}
	one, err := client.Models.Get(ctx, model)
	if err != nil {
		return err
	}
	return expect(len(list.Data) == 1 && list.Data[0].ID == model && one.ID == model, list, one)
}

func chat(ctx context.Context, client openai.Client) error {
	answer, err := client.Chat.Completions.New(ctx, question(sum))
	if err != nil {
		return err
	}
	c := answer.Choices[0]
	return expect(strings.HasSuffix(c.Message.Content, right) && c.FinishReason == "stop" && answer.Usage.CompletionTokens > 0, c)
}

func stream(ctx context.Context, client openai.Client) error {
	whole, err := client.Chat.Completions.New(ctx, question(sum))
	if err != nil {
		return err
	}
	ask := question(sum)
	ask.StreamOptions.IncludeUsage = openai.Bool(true)
	events := client.Chat.Completions.NewStreaming(ctx, ask)
	// The client's own accumulator checks the shape of every chunk.
	var all openai.ChatCompletionAccumulator
	for events.Next() {
		if !all.AddChunk(events.Current()) {
			return expect(false, events.Current())
		}
	}
	if err := events.Err(); err != nil {
		return err
	}
	got, want := all.Choices[0].Message.Content, whole.Choices[0].Message.Content
	return expect(got == want && all.Usage.CompletionTokens == whole.Usage.CompletionTokens, got, want, all.Usage)
}

func logprobs(ctx context.Context, client openai.Client) error {
	ask := question(sum)
	ask.Logprobs, ask.TopLogprobs = openai.Bool(true), openai.Int(2)
	answer, err := client.Chat.Completions.New(ctx, ask)
	if err != nil {
		return err
	}
	tokens := answer.Choices[0].Logprobs.Content
	wrong := slices.ContainsFunc(tokens, func(t openai.ChatCompletionTokenLogprob) bool {
		return t.Logprob > 0 || len(t.TopLogprobs) != 2 || t.TopLogprobs[0].Logprob < t.TopLogprobs[1].Logprob
	})
	return expect(len(tokens) > 0 && !wrong, tokens)
}

// parse asks for a structured answer and decodes it: the client for Go has no parse
// of its own.
func parse(ctx context.Context, client openai.Client) error {
	ask := question("How is the weather in Kyoto?")
	ask.ResponseFormat.OfJSONSchema = &shared.ResponseFormatJSONSchemaParam{
		JSONSchema: shared.ResponseFormatJSONSchemaJSONSchemaParam{Name: "weather", Strict: openai.Bool(true), Schema: city},
	}
	answer, err := client.Chat.Completions.New(ctx, ask)
	if err != nil {
		return err
	}
	return inKansai(answer.Choices[0].Message.Content)
}

func inKansai(arguments string) error {
	var weather struct{ City string }
	if err := json.Unmarshal([]byte(arguments), &weather); err != nil {
		return err
	}
	return expect(weather.City == "Kyoto" || weather.City == "Osaka", arguments)
}

func tools(ctx context.Context, client openai.Client) error {
	ask := withTool(question("How is the weather in Kyoto?"), "weather", city)
	answer, err := client.Chat.Completions.New(ctx, ask)
	if err != nil {
		return err
	}
	c := answer.Choices[0]
	if err := expect(c.FinishReason == "tool_calls" && len(c.Message.ToolCalls) == 1 && c.Message.ToolCalls[0].Function.Name == "weather", c); err != nil {
		return err
	}
	call := c.Message.ToolCalls[0]
	if err := inKansai(call.Function.Arguments); err != nil {
		return err
	}
	ask.Messages = append(ask.Messages, c.Message.ToParam(), openai.ToolMessage("sunny", call.ID))
	ask.ToolChoice = openai.ChatCompletionToolChoiceOptionUnionParam{OfAuto: openai.String("none")}
	after, err := client.Chat.Completions.New(ctx, ask)
	if err != nil {
		return err
	}
	last := after.Choices[0].Message
	return expect(last.Content != "" && len(last.ToolCalls) == 0, last)
}

func refusals(ctx context.Context, client openai.Client) error {
	hot, other := question(sum), question(sum)
	hot.Temperature = openai.Float(3)
	other.Model = "other"
	for _, c := range []struct {
		ask    openai.ChatCompletionNewParams
		status int
		param  string
	}{{hot, 400, "temperature"}, {other, 404, "model"}} {
		_, err := client.Chat.Completions.New(ctx, c.ask)
		var refused *openai.Error
		if !errors.As(err, &refused) || refused.StatusCode != c.status || refused.Param != c.param {
			return expect(false, c, err)
		}
	}
	return nil
}

// drawn asks for a long answer that depends on the seed.
func drawn(text string) openai.ChatCompletionNewParams {
	ask := question(text)
	ask.Temperature, ask.Seed, ask.MaxCompletionTokens = openai.Float(0.9), openai.Int(7), openai.Int(1000)
	return ask
}

func textSurvives(ctx context.Context, client openai.Client) error {
	_, err := survives(ctx, func() iter.Seq2[string, error] {
		return pieces(client.Chat.Completions.NewStreaming(ctx, drawn(story)), func(c openai.ChatCompletionChunk) string {
			return c.Choices[0].Delta.Content
		})
	})
	return err
}

func argumentsSurvive(ctx context.Context, client openai.Client) error {
	text, err := survives(ctx, func() iter.Seq2[string, error] {
		events := client.Chat.Completions.NewStreaming(ctx, withTool(drawn("Write down the weather of every day."), "diary", sky))
		return pieces(events, func(c openai.ChatCompletionChunk) (arguments string) {
			for _, call := range c.Choices[0].Delta.ToolCalls {
				arguments += call.Function.Arguments
			}
			return arguments
		})
	})
	if err != nil {
		return err
	}
	var written struct{ Sky []string }
	if err := json.Unmarshal([]byte(text), &written); err != nil {
		return err
	}
	return expect(len(written.Sky) == days, text)
}

// pieces yields the texts of a stream's events.
func pieces[T any](events *ssestream.Stream[T], text func(T) string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		defer func() { _ = events.Close() }()
		for events.Next() {
			if !yield(text(events.Current()), nil) {
				return
			}
		}
		if err := events.Err(); err != nil {
			yield("", err)
		}
	}
}
