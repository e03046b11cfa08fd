package openai

import (
	"math"

	"github.com/hachi-serve/hachi/internal/api/completion"
	"github.com/hachi-serve/hachi/internal/api/httpapi"
)

// ending reads what ends an answer besides its length.
func (r reader) ending(q *completion.Request) {
	q.Stop = r.stops()
	q.StopTokens = r.stopTokens()
	r.Flag("ignore_eos", &q.IgnoreEOS)
}

// maxTokens reads the two names of one bound.
func (r reader) maxTokens(minimum int) (bound int, ok bool) {
	const old, now = "max_tokens", "max_completion_tokens"
	r.IntegerWithin(old, &bound, minimum, math.MaxInt32)
	if before := bound; r.Has(now) {
		r.IntegerWithin(now, &bound, minimum, math.MaxInt32)
		if r.Has(old) && before != bound {
			r.Fault(old, httpapi.CodeValue, "and %s differ: give one of them", now)
		}
	}
	return bound, r.Has(old) || r.Has(now)
}

// stops reads stop: a text, or a list of them.
func (r reader) stops() []string {
	raw, ok := r.Any("stop")
	if !ok {
		return nil
	}
	var texts []string
	switch httpapi.KindOf(raw) {
	case httpapi.KindString:
		texts = []string{httpapi.Text(raw)}
	case httpapi.KindList:
		if texts, ok = httpapi.Texts(raw); !ok {
			r.Fault("stop", httpapi.CodeType, "has something else than texts in its list")
		}
	default:
		r.Fault("stop", httpapi.CodeType, "is %s, expected a text or a list of texts", httpapi.KindOf(raw))
	}
	return texts
}

// stopTokens reads tokens that end the answer.
func (r reader) stopTokens() []int32 {
	const name = "stop_token_ids"
	raw, ok := r.Value(name, httpapi.KindList)
	if !ok {
		return nil
	}
	list, _ := httpapi.List(raw)
	tokens := make([]int32, len(list))
	for i, raw := range list {
		id, ok := httpapi.Whole(raw)
		if httpapi.KindOf(raw) != httpapi.KindNumber || !ok || id != int64(int32(id)) {
			r.Fault(name, httpapi.CodeValue, "has %s, expected tokens, 0 to %d", raw[:min(len(raw), 20)], r.vocab-1)
			return nil
		}
		tokens[i] = int32(id)
	}
	return tokens
}
