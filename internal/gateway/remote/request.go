package remote

import (
	"time"

	"github.com/hachi-serve/hachi/internal/api/completion"
	"github.com/hachi-serve/hachi/internal/router/engine"
	"github.com/hachi-serve/hachi/internal/router/sampler"
	"github.com/hachi-serve/hachi/internal/text/grammar"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// encode writes a request for a router. Fields whose value is the default are not
// set: an older router refuses what it does not know.
func encode(r engine.Request, l *completion.Language, fingerprint string, heartbeat time.Duration) *hachiv1.GenerateTokensRequest {
	return &hachiv1.GenerateTokensRequest{
		Fingerprint: fingerprint, Prompt: ids(r.Prompt), MaxTokens: uint32(r.MaxTokens), Sampling: sampling(r.Params),
		Choice: uint32(r.Choice), StopTokens: ids(r.StopTokens), Grammar: language(l),
		Logprobs: r.Logprobs >= 0, TopLogprobs: uint32(max(0, r.Logprobs)), PromptLogprobs: r.PromptLogprobs,
		CacheSalt: r.CacheSalt, Priority: int32(r.Priority), FailFast: r.FailFast, IncludeNodes: r.ReportNodes,
		HeartbeatMillis: uint32(heartbeat.Milliseconds()),
	}
}

func ids(tokens []int32) []uint32 {
	out := make([]uint32, len(tokens))
	for i, t := range tokens {
		out[i] = uint32(t)
	}
	return out
}

// sampling says how a token is drawn.
func sampling(p sampler.Params) *hachiv1.Sampling {
	out := &hachiv1.Sampling{
		Temperature: p.Temperature, TopP: p.TopP, TopK: uint32(p.TopK), MinP: p.MinP, TypicalP: p.TypicalP, Seed: p.Seed,
		RepetitionPenalty: p.RepetitionPenalty, FrequencyPenalty: p.FrequencyPenalty, PresencePenalty: p.PresencePenalty,
		MinTokens: uint32(p.MinTokens),
	}
	for token, bias := range p.LogitBias {
		if out.LogitBias == nil {
			out.LogitBias = make(map[uint32]float64, len(p.LogitBias))
		}
		out.LogitBias[uint32(token)] = bias
	}
	return out
}

// language is what an answer must be; nil is any text.
func language(l *completion.Language) *hachiv1.Grammar {
	if l == nil {
		return nil
	}
	out := &hachiv1.Grammar{Fresh: l.Fresh, Shown: ids(l.Shown), Ends: ids(l.Ends), Going: l.Going, Said: l.Said}
	if l.Turn != nil {
		out.Language = &hachiv1.Grammar_Turn{Turn: turn(l.Turn)}
	} else {
		out.Language = &hachiv1.Grammar_Text{Text: text(l.Text)}
	}
	return out
}

// text is a language of texts; nil is none.
func text(t *grammar.Text) *hachiv1.TextLanguage {
	switch {
	case t == nil:
		return nil
	case t.Object:
		return &hachiv1.TextLanguage{Kind: &hachiv1.TextLanguage_JsonObject{JsonObject: true}}
	case t.Schema != nil:
		return &hachiv1.TextLanguage{Kind: &hachiv1.TextLanguage_JsonSchema{JsonSchema: string(t.Schema)}}
	case t.Regex != nil:
		return &hachiv1.TextLanguage{Kind: &hachiv1.TextLanguage_Regex{Regex: *t.Regex}}
	case t.Choice != nil:
		return &hachiv1.TextLanguage{Kind: &hachiv1.TextLanguage_Choice{Choice: &hachiv1.TextList{Texts: t.Choice}}}
	}
	return &hachiv1.TextLanguage{Kind: &hachiv1.TextLanguage_Any{Any: true}}
}

func turn(t *grammar.Turn) *hachiv1.TurnLanguage {
	out := &hachiv1.TurnLanguage{
		ReasoningOpen: t.Reasoning.Open, ReasoningClose: t.Reasoning.Close, ReasoningBegun: t.Reasoning.Begun, Text: text(t.Text),
	}
	if c := t.Calls; c != nil {
		out.Calls = &hachiv1.CallLanguage{
			Begin: c.Begin, Between: c.Between, Next: c.Next, End: c.End, Marker: c.Marker, Anywhere: c.Anywhere, Many: c.Many,
		}
		for _, f := range c.Functions {
			out.Calls.Functions = append(out.Calls.Functions, &hachiv1.FunctionLanguage{Name: f.Name, Schema: string(f.Schema)})
		}
	}
	return out
}
