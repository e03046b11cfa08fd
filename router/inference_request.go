package router

import (
	"fmt"

	"github.com/hachi-serve/hachi/model/chat"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
	"github.com/hachi-serve/hachi/router/completion"
	"github.com/hachi-serve/hachi/router/engine"
	"github.com/hachi-serve/hachi/router/openai"
	"github.com/hachi-serve/hachi/router/sampler"
)

func badRequest(format string, args ...any) error {
	return &moe.Error{Op: "request", Kind: moe.Invalid, Err: fmt.Errorf(format, args...)}
}

// request reads and checks a call.
func (s *inference) request(in *hachiv1.GenerateRequest) (completion.Request, error) {
	r := completion.Request{Request: engine.Request{
		MaxTokens: int(in.GetMaxTokens()), Logprobs: -1,
		Params: sampler.Params{
			Temperature: float64(in.GetTemperature()), TopP: float64(in.GetTopP()), TopK: int(in.GetTopK()),
			MinP: float64(in.GetMinP()), Seed: in.GetSeed(),
		},
	}}
	switch top := in.GetTopLogprobs(); {
	case top > openai.MaxLogprobs:
		return r, badRequest("top_logprobs is %d, expected 0 to %d", top, openai.MaxLogprobs)
	case top > 0 && !in.GetLogprobs():
		return r, badRequest("top_logprobs needs logprobs")
	case in.GetLogprobs():
		r.Logprobs = int(top)
	}
	if n := len(in.GetStop()); n > openai.MaxStops {
		return r, badRequest("stop has %d texts, expected at most %d", n, openai.MaxStops)
	}
	for _, stop := range in.GetStop() {
		if stop == "" {
			return r, badRequest("stop has an empty text: it would end every answer before its first character")
		}
	}
	r.Stop = in.GetStop()
	_, r.NewText = in.GetPrompt().(*hachiv1.GenerateRequest_Conversation)
	var err error
	r.Prompt, err = s.prompt(in)
	return r, err
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
