package openai

import "math"

const (
	// MaxStops bounds the stop texts.
	MaxStops = 16
	// maxStopTokens bounds stop_token_ids.
	maxStopTokens = 128
)

// ending reads what ends an answer besides its length.
func (r *reader) ending(o *options, vocab int) {
	o.request.Stop = r.stops()
	o.request.StopTokens = r.stopTokens(vocab)
	r.flag("ignore_eos", &o.request.IgnoreEOS)
	least := &o.request.Params.MinTokens
	r.integer("min_tokens", least, 0, math.MaxInt32)
	if o.bounded && *least > o.bound {
		r.fault("min_tokens", codeValue, "is %d, more than the %d tokens that the answer may have", *least, o.bound)
	}
}

// maxTokens reads the two names of one bound.
func (r *reader) maxTokens(least int) (bound int, ok bool) {
	const old, now = "max_tokens", "max_completion_tokens"
	r.integer(old, &bound, least, math.MaxInt32)
	if before := bound; r.f.has(now) {
		r.integer(now, &bound, least, math.MaxInt32)
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
	if len(texts) > MaxStops {
		r.fault("stop", codeValue, "has %d texts, expected at most %d", len(texts), MaxStops)
	}
	for _, text := range texts {
		if text == "" {
			r.fault("stop", codeValue, "has an empty text: it would end every answer before its first character")
		}
	}
	return texts
}

// stopTokens reads tokens that end the answer.
func (r *reader) stopTokens(vocab int) []int32 {
	const name = "stop_token_ids"
	raw, ok := r.value(name, "a list")
	if !ok {
		return nil
	}
	list, _ := listOf(raw)
	if len(list) > maxStopTokens {
		r.fault(name, codeValue, "has %d tokens, expected at most %d", len(list), maxStopTokens)
	}
	var tokens []int32
	for _, raw := range list {
		id, ok := whole(raw)
		if kindOf(raw) != "a number" || !ok || id < 0 || id >= int64(vocab) {
			r.fault(name, codeValue, "has %s, expected tokens, 0 to %d", raw[:min(len(raw), 20)], vocab-1)
			return nil
		}
		tokens = append(tokens, int32(id))
	}
	return tokens
}
