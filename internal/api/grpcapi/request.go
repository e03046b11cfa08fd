package grpcapi

import (
	"context"
	"errors"
	"math"
	"strings"

	"github.com/hachi-serve/hachi/internal/api/completion"
	"github.com/hachi-serve/hachi/internal/router/engine"
	"github.com/hachi-serve/hachi/internal/router/sampler"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// structuredOutput is the name of the oneof.
const structuredOutput = "structured_output"

// fault is what is wrong with a parameter.
func fault(param string, err error) error {
	return &completion.Fault{Param: param, Code: completion.CodeValue, Err: err}
}

// renamed gives a fault the name that the proto has for its parameter.
func renamed(err error) error {
	var f *completion.Fault
	if !errors.As(err, &f) {
		return err
	}
	return &completion.Fault{Param: protoName(f.Param), Code: f.Code, Err: f.Err}
}

// protoName is the name that the proto has for a parameter of chat completions.
func protoName(param string) string {
	names := map[string]string{"stop_token_ids": "stop_tokens", "messages": "conversation", "tool_choice": "conversation.tool_choice"}
	if name, ok := names[param]; ok {
		return name
	}
	if strings.HasPrefix(param, "tools") {
		return "conversation." + strings.ReplaceAll(param, ".function", "")
	}
	return param
}

// request reads a call. What a value may be, the Completer checks.
func (s *Server) request(ctx context.Context, in *hachiv1.GenerateRequest) (completion.Request, error) {
	r := completion.Request{
		Request: engine.Request{
			MaxTokens: int(in.GetMaxTokens()), Params: params(in), StopTokens: tokens(in.GetStopTokens()), Logprobs: -1,
			Priority: int(in.GetPriority()), FailFast: in.GetFailFast(), ReportNodes: in.GetIncludeNodes(),
		},
		Stop: in.GetStop(), IgnoreEOS: in.GetIgnoreEos(), Output: output(in), CacheSalt: in.GetCacheSalt(),
	}
	if in.GetLogprobs() {
		r.Logprobs = int(in.GetTopLogprobs())
	} else if in.GetTopLogprobs() > 0 {
		return r, fault("top_logprobs", errors.New("needs logprobs"))
	}
	return r, s.prompt(ctx, in, &r)
}

// tokens converts tokens; one that no int32 holds becomes one that no vocabulary
// has.
func tokens(ids []uint32) []int32 {
	out := make([]int32, len(ids))
	for i, id := range ids {
		out[i] = int32(min(id, math.MaxInt32))
	}
	return out
}

// output is what the answer must be; nil is any text.
func output(in *hachiv1.GenerateRequest) *completion.StructuredOutput {
	switch o := in.GetStructuredOutput().(type) {
	case *hachiv1.GenerateRequest_JsonObject:
		if !o.JsonObject {
			return nil
		}
		return completion.JSONObject(structuredOutput)
	case *hachiv1.GenerateRequest_JsonSchema:
		return completion.JSONSchema(structuredOutput, []byte(o.JsonSchema))
	case *hachiv1.GenerateRequest_Regex:
		return completion.Regex(structuredOutput, o.Regex)
	case *hachiv1.GenerateRequest_Choice:
		return completion.OneOf(structuredOutput, o.Choice.GetTexts())
	}
	return nil
}

// params are how a token is drawn.
func params(in *hachiv1.GenerateRequest) sampler.Params {
	p := sampler.Params{
		Temperature: float64(in.GetTemperature()), TopP: float64(in.GetTopP()), TopK: int(in.GetTopK()),
		MinP: float64(in.GetMinP()), TypicalP: float64(in.GetTypicalP()), Seed: in.GetSeed(),
		RepetitionPenalty: float64(in.GetRepetitionPenalty()), FrequencyPenalty: float64(in.GetFrequencyPenalty()),
		PresencePenalty: float64(in.GetPresencePenalty()), MinTokens: int(in.GetMinTokens()),
	}
	for token, bias := range in.GetLogitBias() {
		if p.LogitBias == nil {
			p.LogitBias = map[int32]float64{}
		}
		p.LogitBias[int32(min(token, math.MaxInt32))] = float64(bias)
	}
	return p
}

// prompt reads one of the three forms of a prompt.
func (s *Server) prompt(ctx context.Context, in *hachiv1.GenerateRequest, r *completion.Request) (err error) {
	switch p := in.GetPrompt().(type) {
	case *hachiv1.GenerateRequest_Text:
		r.Prompt, err = s.service.Completer.Prompt(ctx, p.Text)
		return err
	case *hachiv1.GenerateRequest_Tokens:
		r.Prompt, err = completion.Tokens(s.service.Completer, p.Tokens.GetIds())
		return err
	case *hachiv1.GenerateRequest_Conversation:
		return s.conversation(ctx, p.Conversation, r)
	}
	return fault("prompt", errors.New("is missing: text, tokens or a conversation"))
}
