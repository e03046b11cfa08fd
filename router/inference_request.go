package router

import (
	"fmt"
	"math"
	"slices"

	"github.com/hachi-serve/hachi/internal/api/completion"
	"github.com/hachi-serve/hachi/internal/api/openai"
	"github.com/hachi-serve/hachi/internal/router/engine"
	"github.com/hachi-serve/hachi/internal/router/sampler"
	"github.com/hachi-serve/hachi/internal/text/chat"
	"github.com/hachi-serve/hachi/internal/text/grammar"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

func badRequest(format string, args ...any) error {
	return &moe.Error{Op: "request", Kind: moe.Invalid, Err: fmt.Errorf(format, args...)}
}

// request reads and checks a call.
func (s *inference) request(in *hachiv1.GenerateRequest) (completion.Request, error) {
	r := completion.Request{
		Request: engine.Request{
			MaxTokens: int(in.GetMaxTokens()), Params: params(in), Logprobs: -1,
			Priority: int(in.GetPriority()), FailFast: in.GetFailFast(),
		},
		Stop: in.GetStop(), IgnoreEOS: in.GetIgnoreEos(),
	}
	if in.GetLogprobs() {
		r.Logprobs = int(in.GetTopLogprobs())
	}
	_, r.NewText = in.GetPrompt().(*hachiv1.GenerateRequest_Conversation)
	if err := check(in); err != nil {
		return r, err
	}
	var err error
	if r.StopTokens, err = completion.Tokens(s.api.Completer, in.GetStopTokens()); err != nil {
		return r, badRequest("stop_tokens: %w", err)
	}
	if r.Prompt, err = s.prompt(in); err != nil {
		return r, err
	}
	r.Grammar, err = s.grammar(in, r)
	return r, err
}

// grammar makes the language that the answer is kept to; nil is any.
func (s *inference) grammar(in *hachiv1.GenerateRequest, r completion.Request) (*grammar.Grammar, error) {
	if in.GetLanguage() == nil {
		return nil, nil
	}
	if s.api.Completer.Grammars == nil {
		return nil, badRequest("this server does not keep answers to a language")
	}
	c, err := s.api.Completer.Grammars.For(r.Prompt, r.NewText)
	if err != nil {
		return nil, badRequest("language: %w", err)
	}
	var g *grammar.Grammar
	switch l := in.GetLanguage().(type) {
	case *hachiv1.GenerateRequest_JsonObject:
		g, err = c.Object()
	case *hachiv1.GenerateRequest_JsonSchema:
		g, err = c.Schema([]byte(l.JsonSchema))
	case *hachiv1.GenerateRequest_Regex:
		g, err = c.Regex(l.Regex)
	case *hachiv1.GenerateRequest_Choice:
		g, err = c.Choice(l.Choice.GetTexts())
	}
	if err != nil {
		return nil, badRequest("language: %w", err)
	}
	return g, nil
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

// check finds what the sampler and the engine would not.
func check(in *hachiv1.GenerateRequest) error {
	switch top, most := in.GetTopLogprobs(), in.GetMaxTokens(); {
	case top > openai.MaxLogprobs:
		return badRequest("top_logprobs is %d, expected 0 to %d", top, openai.MaxLogprobs)
	case top > 0 && !in.GetLogprobs():
		return badRequest("top_logprobs needs logprobs")
	case most > 0 && in.GetMinTokens() > most:
		return badRequest("min_tokens is %d, more than the %d tokens that the answer may have", in.GetMinTokens(), most)
	case len(in.GetStop()) > openai.MaxStops:
		return badRequest("stop has %d texts, expected at most %d", len(in.GetStop()), openai.MaxStops)
	case slices.Contains(in.GetStop(), ""):
		return badRequest("stop has an empty text: it would end every answer before its first character")
	}
	return nil
}

// prompt reads one of the three forms of a prompt.
func (s *inference) prompt(in *hachiv1.GenerateRequest) ([]int32, error) {
	switch p := in.GetPrompt().(type) {
	case *hachiv1.GenerateRequest_Text:
		return s.api.Completer.Tokenizer.Prompt(p.Text), nil
	case *hachiv1.GenerateRequest_Tokens:
		return completion.Tokens(s.api.Completer, p.Tokens.GetIds())
	case *hachiv1.GenerateRequest_Conversation:
		return s.conversation(p.Conversation)
	}
	return nil, badRequest("prompt is missing: text, tokens or a conversation")
}

func (s *inference) conversation(in *hachiv1.Conversation) ([]int32, error) {
	base := chat.Merge(s.api.Attributes, attributes(in.GetAttributes()))
	var messages []chat.Message
	for _, m := range in.GetMessages() {
		messages = append(messages, chat.Message{Role: m.GetRole(), Content: m.GetContent(), Attributes: attributes(m.GetAttributes())})
	}
	prompt, err := s.api.Template.Tokens(messages, base)
	if err != nil {
		return nil, badRequest("conversation: %w", err)
	}
	return prompt, nil
}

func attributes(in map[string]uint32) map[string]int {
	out := map[string]int{}
	for name, v := range in {
		out[name] = int(v)
	}
	return out
}
