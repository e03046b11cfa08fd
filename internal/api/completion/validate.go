package completion

import (
	"maps"
	"slices"
	"strconv"
)

// Validate reports the first reason why a request can never be served, its
// prompt and its structured output aside: a *Fault or *sampler.ParamErrors.
func (c *Completer) Validate(r Request) error {
	switch bounded := r.MaxTokens > 0 || r.PromptOnly; {
	case r.Logprobs > MaxLogprobs:
		return invalid("top_logprobs", "is %d, expected 0 to %d", r.Logprobs, MaxLogprobs)
	case bounded && r.Params.MinTokens > r.MaxTokens:
		return invalid("min_tokens", "is %d, more than the %d tokens that the answer may have", r.Params.MinTokens, r.MaxTokens)
	case len(r.Stop) > MaxStops:
		return invalid("stop", "has %d texts, expected at most %d", len(r.Stop), MaxStops)
	case slices.Contains(r.Stop, ""):
		return invalid("stop", "has an empty text: it would end every answer before its first character")
	case slices.ContainsFunc(r.Stop, func(s string) bool { return len(s) > MaxStopBytes }):
		return invalid("stop", "has a text of more than %d bytes", MaxStopBytes)
	case len(r.StopTokens) > MaxStopTokens:
		return invalid("stop_token_ids", "has %d tokens, expected at most %d", len(r.StopTokens), MaxStopTokens)
	}
	vocab := int32(c.Tokenizer.Vocab())
	for _, t := range r.StopTokens {
		if t < 0 || t >= vocab {
			return invalid("stop_token_ids", "has %d, expected tokens, 0 to %d", t, vocab-1)
		}
	}
	for _, t := range slices.Sorted(maps.Keys(r.Params.LogitBias)) {
		if t < 0 || t >= vocab {
			return invalid("logit_bias."+strconv.Itoa(int(t)), "is not a token, 0 to %d", vocab-1)
		}
	}
	return r.Params.Validate()
}
