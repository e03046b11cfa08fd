package grpcapi

import (
	"github.com/hachi-serve/hachi/internal/api/completion"
	"github.com/hachi-serve/hachi/internal/router/engine"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// delta is a delta of an answer on the wire.
func delta(d completion.Delta, logprobs bool) *hachiv1.GenerateResponse {
	m := &hachiv1.GenerateResponse{}
	for _, p := range d.Parts {
		switch p.Kind {
		case completion.Text:
			m.Text += p.Text
		case completion.Reasoning:
			m.Reasoning += p.Text
		case completion.CallBegun:
			m.ToolCalls = append(m.ToolCalls, &hachiv1.ToolCallDelta{Index: uint32(p.Index), Id: p.ID, Name: p.Name})
		case completion.Arguments:
			m.ToolCalls = append(m.ToolCalls, &hachiv1.ToolCallDelta{Index: uint32(p.Index), Arguments: p.Text})
		}
	}
	for _, t := range d.Tokens {
		m.Tokens = append(m.Tokens, uint32(t.Token))
		if logprobs {
			m.Logprobs = append(m.Logprobs, logprob(t.Event))
		}
	}
	switch d.Finish {
	case engine.Stop:
		m.FinishReason = hachiv1.FinishReason_FINISH_REASON_STOP
	case engine.Length:
		m.FinishReason = hachiv1.FinishReason_FINISH_REASON_LENGTH
	case completion.ToolCalls:
		m.FinishReason = hachiv1.FinishReason_FINISH_REASON_TOOL_CALLS
	}
	return m
}

// summarize adds to the last message what is known at the end of an answer.
func summarize(m *hachiv1.GenerateResponse, r *completion.Reader) {
	m.Usage = &hachiv1.Usage{
		PromptTokens: uint32(len(r.Prompt())), CompletionTokens: uint32(r.Generated),
		CachedTokens: uint32(r.Cached), ReasoningTokens: uint32(r.Reasoned),
	}
	for _, node := range r.Nodes {
		m.Nodes = append(m.Nodes, string(node))
	}
}

func logprob(e engine.Event) *hachiv1.TokenLogprob {
	l := &hachiv1.TokenLogprob{Token: uint32(e.Token), Logprob: e.Logprob}
	for _, node := range e.StepNodes {
		l.Nodes = append(l.Nodes, string(node))
	}
	for _, t := range e.Top {
		l.Alternatives = append(l.Alternatives, &hachiv1.Alternative{Token: uint32(t.Token), Logprob: t.Logprob})
	}
	return l
}
