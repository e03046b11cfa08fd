package engine

import (
	"fmt"
	"slices"

	"github.com/hachi-serve/hachi/moe"
)

// AnswerError is an answer so far that the request cannot have: no engine drew it.
type AnswerError struct {
	Position int // of the token in the answer
	Token    int32
	Reason   string
}

func (e *AnswerError) Error() string {
	return fmt.Sprintf("the answer so far has token %d at position %d: %s", e.Token, e.Position, e.Reason)
}

// known is how many tokens a request comes with.
func (r *Request) known() int { return len(r.Prompt) + len(r.Answer) }

// stopped reports whether the answer so far ends with a stop token.
func (r *Request) stopped() bool {
	n := len(r.Answer)
	return n > 0 && slices.Contains(r.StopTokens, r.Answer[n-1])
}

// validateAnswer reports why the answer so far can never be continued, its grammar
// aside. The error is an *AnswerError.
func (e *Engine) validateAnswer(r Request) error {
	room := e.MaxTokens() - len(r.Prompt)
	if r.MaxTokens > 0 {
		room = min(room, r.MaxTokens)
	}
	for i, t := range r.Answer {
		reason := ""
		switch {
		case t < 0 || int(t) >= e.cfg.Vocab:
			reason = fmt.Sprintf("the vocabulary has %d tokens", e.cfg.Vocab)
		case i < len(r.Answer)-1 && slices.Contains(r.StopTokens, t):
			reason = "it is a stop token, and tokens follow it"
		case i >= room && !(i == room && r.stopped()):
			reason = fmt.Sprintf("the answer may have %d tokens", room)
		default:
			continue
		}
		return &AnswerError{i, t, reason}
	}
	return nil
}

// advance brings the sampler to the end of the answer so far, and reports how the
// answer has ended there, if it has. It runs on the client's goroutine. The error
// is an *AnswerError, or a *moe.Panic of the grammar.
//
//	a draw depends on        after advance
//	logits                   computed again: the same bits by the numerics contract
//	seed, choice, position   the position counts the tokens of the answer so far
//	penalties, min_tokens    Accept has counted them
//	grammar                  Accept has advanced it
func (f *activeRequest) advance() (ended FinishReason, err error) {
	defer moe.Recover("advance a grammar", &err)
	answer := f.req.Answer
	if f.req.stopped() {
		answer = answer[:len(answer)-1] // a stop token is drawn, but not accepted
	}
	for i, t := range answer {
		if f.sampler.Done() {
			return NotFinished, &AnswerError{i, t, "the grammar ends the answer before it"}
		}
		if f.sampler.Accept(t); f.sampler.Refused() {
			return NotFinished, &AnswerError{i, t, "the grammar does not allow it there"}
		}
	}
	f.drawn = len(answer)
	switch {
	case f.req.stopped():
		return Stop, nil
	case f.drawn == 0:
		return NotFinished, nil
	case f.sampler.Done():
		return Stop, nil
	case f.left() == 0:
		return Length, nil
	}
	return NotFinished, nil
}
