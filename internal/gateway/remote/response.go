package remote

import (
	"slices"

	"github.com/hachi-serve/hachi/internal/router/engine"
	"github.com/hachi-serve/hachi/internal/router/sampler"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// progress is how far an answer has come: what a reader has, whichever routers drew
// it.
type progress struct {
	prompt int     // tokens of the prompt that were reported
	answer []int32 // tokens of the answer
	// cached is of the first router that drew a token; a later router's would be
	// another number.
	cached int
	nodes  []moe.NodeID // of all routers; only appended to
	begun  bool         // an event was read
}

// read returns the events of a response. The last of them has a Finish if the answer
// has ended.
func (p *progress) read(m *hachiv1.GenerateTokensResponse) []engine.Event {
	var out []engine.Event
	if !p.begun && len(m.GetPrompt())+len(m.GetTokens()) > 0 {
		p.begun, p.cached = true, int(m.GetCachedTokens())
	}
	for _, node := range m.GetNodes() {
		if !slices.Contains(p.nodes, moe.NodeID(node)) {
			p.nodes = append(p.nodes, moe.NodeID(node))
		}
	}
	for _, t := range m.GetPrompt() {
		e := event(t)
		e.Prompt = true
		p.prompt++
		out = append(out, e)
	}
	for _, t := range m.GetTokens() {
		p.answer = append(p.answer, int32(t.GetToken()))
		out = append(out, event(t))
	}
	if finish := reasons[m.GetFinishReason()]; finish != engine.NotFinished {
		if len(m.GetTokens()) == 0 {
			out = append(out, engine.Event{Token: -1})
		}
		out[len(out)-1].Finish = finish
	}
	for i := range out {
		out[i].Cached, out[i].Nodes = p.cached, slices.Clip(p.nodes)
	}
	return out
}

var reasons = map[hachiv1.FinishReason]engine.FinishReason{
	hachiv1.FinishReason_FINISH_REASON_STOP: engine.Stop, hachiv1.FinishReason_FINISH_REASON_LENGTH: engine.Length,
}

func event(t *hachiv1.TokenLogprob) engine.Event {
	e := engine.Event{Token: int32(t.GetToken()), Logprob: t.GetLogprob()}
	for _, node := range t.GetNodes() {
		e.StepNodes = append(e.StepNodes, moe.NodeID(node))
	}
	for _, a := range t.GetAlternatives() {
		e.Top = append(e.Top, sampler.TokenLogprob{Token: int32(a.GetToken()), Logprob: a.GetLogprob()})
	}
	return e
}
