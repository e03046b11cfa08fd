package main

import (
	"context"
	"iter"
	"strings"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/responses"
)

// story is what the tests ask for when the answer must be long.
const story = "Tell me a story about a dragon."

func input(text string) responses.ResponseNewParams {
	return responses.ResponseNewParams{
		Model: model, Temperature: openai.Float(0), MaxOutputTokens: openai.Int(200), Store: openai.Bool(false),
		Input: responses.ResponseNewParamsInputUnion{OfString: openai.String(text)},
	}
}

func responsesText(ctx context.Context, client openai.Client) error {
	whole, err := client.Responses.New(ctx, input(sum))
	if err != nil {
		return err
	}
	if err := expect(whole.Status == "completed" && strings.HasSuffix(whole.OutputText(), right), whole.RawJSON()); err != nil {
		return err
	}
	var text string
	for piece, err := range pieces(client.Responses.NewStreaming(ctx, input(sum)), delta) {
		if err != nil {
			return err
		}
		text += piece
	}
	return expect(text == whole.OutputText(), text, whole.OutputText())
}

func delta(e responses.ResponseStreamEventUnion) string {
	if e.Type == "response.output_text.delta" {
		return e.Delta
	}
	return ""
}

func responsesTools(ctx context.Context, client openai.Client) error {
	ask := input("How is the weather in Kyoto?")
	ask.Tools = []responses.ToolUnionParam{responses.ToolParamOfFunction("weather", city, true)}
	ask.ToolChoice = responses.ResponseNewParamsToolChoiceUnion{OfToolChoiceMode: openai.Opt(responses.ToolChoiceOptionsRequired)}
	ask.ParallelToolCalls = openai.Bool(false)
	answer, err := client.Responses.New(ctx, ask)
	if err != nil {
		return err
	}
	if err := expect(len(answer.Output) == 1 && answer.Output[0].AsFunctionCall().Name == "weather", answer.RawJSON()); err != nil {
		return err
	}
	call := answer.Output[0].AsFunctionCall()
	if err := inKansai(call.Arguments); err != nil {
		return err
	}
	result := responses.ResponseInputItemParamOfFunctionCallOutput("sunny")
	result.OfFunctionCallOutput.CallID = openai.String(call.CallID)
	ask.Input = responses.ResponseNewParamsInputUnion{OfInputItemList: responses.ResponseInputParam{
		responses.ResponseInputItemParamOfMessage("How is the weather in Kyoto?", responses.EasyInputMessageRoleUser),
		responses.ResponseInputItemParamOfFunctionCall(call.Arguments, call.CallID, call.Name),
		result,
	}}
	ask.ToolChoice = responses.ResponseNewParamsToolChoiceUnion{OfToolChoiceMode: openai.Opt(responses.ToolChoiceOptionsNone)}
	after, err := client.Responses.New(ctx, ask)
	if err != nil {
		return err
	}
	return expect(after.OutputText() != "", after.RawJSON())
}

func responsesSurvive(ctx context.Context, client openai.Client) error {
	ask := input(story)
	ask.Temperature, ask.MaxOutputTokens = openai.Float(0.9), openai.Int(1000)
	_, err := survives(ctx, func() iter.Seq2[string, error] {
		return pieces(client.Responses.NewStreaming(ctx, ask, option.WithJSONSet("seed", 7)), delta)
	})
	return err
}
