package remote

import (
	"errors"
	"fmt"
	"math"

	"github.com/hachi-serve/hachi/internal/api/completion"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

const (
	// maxNodes bounds the nodes of an answer, and maxNodeName their names, bytes.
	maxNodes    = 4096
	maxNodeName = 256
)

// errLie means that a router sent what no router answers to the request.
var errLie = errors.New("the router sent what no router answers")

// believe refuses a response that goes beyond the request: what a router sends takes memory
// of the gateway, and its tokens index the vocabulary.
func (a *answer) believe(m *hachiv1.GenerateTokensResponse) error {
	lie := func(format string, args ...any) error {
		return fmt.Errorf("%w: "+format, append([]any{errLie}, args...)...)
	}
	prompt := 0
	if a.in.GetPromptLogprobs() {
		prompt = len(a.in.GetPrompt()) - 1
	}
	if n := a.progress.prompt + len(m.GetPrompt()); n > prompt {
		return lie("%d tokens of a prompt, expected at most %d", n, prompt)
	}
	if n := len(a.answer) + len(m.GetTokens()); n > int(a.in.GetMaxTokens()) {
		return lie("%d tokens, expected at most %d", n, a.in.GetMaxTokens())
	}
	if n := m.GetCachedTokens(); uint64(n) > uint64(len(a.in.GetPrompt())+len(a.in.GetAnswer())) {
		return lie("%d cached tokens, more than it was sent", n)
	}
	if n := len(a.nodes) + len(m.GetNodes()); n > maxNodes {
		return lie("%d nodes, expected at most %d", n, maxNodes)
	}
	for _, node := range m.GetNodes() {
		if len(node) > maxNodeName {
			return lie("the name of a node has %d bytes, expected at most %d", len(node), maxNodeName)
		}
	}
	for _, list := range [][]*hachiv1.TokenLogprob{m.GetPrompt(), m.GetTokens()} {
		for _, t := range list {
			if what := a.e.strange(t); what != "" {
				return lie("%s", what)
			}
		}
	}
	return nil
}

// strange names what no router says of a token; "" is nothing.
func (e *Engine) strange(t *hachiv1.TokenLogprob) string {
	if n := len(t.GetAlternatives()); n > completion.MaxLogprobs+1 {
		return fmt.Sprintf("%d alternatives to a token", n)
	}
	if what := e.strangePair(t.GetToken(), t.GetLogprob()); what != "" {
		return what
	}
	for _, o := range t.GetAlternatives() {
		if what := e.strangePair(o.GetToken(), o.GetLogprob()); what != "" {
			return what
		}
	}
	return ""
}

func (e *Engine) strangePair(token uint32, logprob float32) string {
	switch {
	case token >= uint32(e.cfg.Vocab):
		return fmt.Sprintf("token %d, expected 0 to %d", token, e.cfg.Vocab-1)
	case math.IsNaN(float64(logprob)), math.IsInf(float64(logprob), 1):
		return fmt.Sprintf("the log probability %g", logprob)
	}
	return ""
}
