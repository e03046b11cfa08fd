package openai

import (
	"math"
	"math/rand/v2"
	"strconv"

	"github.com/hachi-serve/hachi/internal/router/sampler"
)

// sampling reads how a token is drawn. What is off has the sampler's 0.
func (r *reader) sampling(vocab int) sampler.Params {
	p := sampler.Params{Temperature: 1, TopP: 1, TypicalP: 1, RepetitionPenalty: 1, Seed: rand.Uint64()}
	r.number("temperature", &p.Temperature, 0, 2)
	r.positive("top_p", &p.TopP, 1)
	r.integer("top_k", &p.TopK, -1, math.MaxInt32)
	p.TopK = max(p.TopK, 0) // -1 is what other servers call off
	r.number("min_p", &p.MinP, 0, 1)
	r.positive("typical_p", &p.TypicalP, 1)
	r.positive("repetition_penalty", &p.RepetitionPenalty, 100)
	r.number("frequency_penalty", &p.FrequencyPenalty, -2, 2)
	r.number("presence_penalty", &p.PresencePenalty, -2, 2)
	p.LogitBias = r.logitBias(vocab)
	r.seed(&p.Seed)
	return p
}

// positive reads a number above 0; 0 would be the sampler's word for off.
func (r *reader) positive(name string, v *float64, high float64) {
	before := *v
	if r.number(name, v, 0, high); *v == 0 {
		r.fault(name, codeValue, "is 0, expected more than 0, at most %v", high)
		*v = before
	}
}

// logitBias reads what is added to the logits of tokens, by token.
func (r *reader) logitBias(vocab int) map[int32]float64 {
	inner := r.inside("logit_bias")
	if inner == nil {
		return nil
	}
	bias := make(map[int32]float64, len(inner.f))
	for _, key := range inner.f.names() {
		id, err := strconv.ParseInt(key, 10, 32)
		if err != nil || id < 0 || id >= int64(vocab) || strconv.FormatInt(id, 10) != key {
			inner.fault(key, codeValue, "is not a token, 0 to %d", vocab-1)
		}
		var v float64
		inner.number(key, &v, -100, 100)
		bias[int32(id)] = v
	}
	r.err = inner.err
	return bias
}

// seed reads a signed or unsigned 64-bit integer.
func (r *reader) seed(v *uint64) {
	raw, ok := r.value("seed", "a number")
	if !ok {
		return
	}
	if x, err := strconv.ParseUint(string(raw), 10, 64); err == nil {
		*v = x
		return
	}
	x, ok := whole(raw)
	if !ok || x == math.MaxInt64 || x == math.MinInt64 && string(raw) != strconv.Itoa(math.MinInt64) {
		r.fault("seed", codeValue, "is %s, expected a 64-bit integer", raw)
		return
	}
	*v = uint64(x)
}
