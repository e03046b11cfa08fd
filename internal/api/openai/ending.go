package openai

import (
	"math"

	"github.com/hachi-serve/hachi/internal/api/completion"
)

// ending reads what ends an answer besides its length.
func (r *reader) ending(q *completion.Request) {
	q.Stop = r.stops()
	q.StopTokens = r.stopTokens()
	r.flag("ignore_eos", &q.IgnoreEOS)
}

// maxTokens reads the two names of one bound.
func (r *reader) maxTokens(minimum int) (bound int, ok bool) {
	const old, now = "max_tokens", "max_completion_tokens"
	r.integerWithin(old, &bound, minimum, math.MaxInt32)
	if before := bound; r.f.has(now) {
		r.integerWithin(now, &bound, minimum, math.MaxInt32)
		if r.f.has(old) && before != bound {
			r.fault(old, codeValue, "and %s differ: give one of them", now)
		}
	}
	return bound, r.f.has(old) || r.f.has(now)
}

// stops reads stop: a text, or a list of them.
func (r *reader) stops() []string {
	if r.err != nil || !r.f.has("stop") {
		return nil
	}
	raw := r.f["stop"]
	var texts []string
	switch kindOf(raw) {
	case "a string":
		texts = []string{asText(raw)}
	case "a list":
		var ok bool
		if texts, ok = listOfTexts(raw); !ok {
			r.fault("stop", codeType, "has something else than texts in its list")
		}
	default:
		r.fault("stop", codeType, "is %s, expected a text or a list of texts", kindOf(raw))
	}
	return texts
}

// stopTokens reads tokens that end the answer.
func (r *reader) stopTokens() []int32 {
	const name = "stop_token_ids"
	raw, ok := r.value(name, "a list")
	if !ok {
		return nil
	}
	list, _ := listOf(raw)
	tokens := make([]int32, len(list))
	for i, raw := range list {
		id, ok := whole(raw)
		if kindOf(raw) != "a number" || !ok || id != int64(int32(id)) {
			r.fault(name, codeValue, "has %s, expected tokens, 0 to %d", raw[:min(len(raw), 20)], r.vocab-1)
			return nil
		}
		tokens[i] = int32(id)
	}
	return tokens
}
