package openai

import (
	"math"
	"math/rand/v2"
	"strconv"

	"github.com/hachi-serve/hachi/internal/router/sampler"
)

// sampling reads how a token is drawn. Ranges are checked by package completion.
func (r *reader) sampling() sampler.Params {
	p := sampler.Params{Temperature: 1, TopP: 1, TypicalP: 1, RepetitionPenalty: 1, Seed: rand.Uint64()}
	r.number("temperature", &p.Temperature)
	r.positive("top_p", &p.TopP)
	if r.integer("top_k", &p.TopK); p.TopK == -1 {
		p.TopK = 0 // both are off here; the sampler knows 0
	}
	r.number("min_p", &p.MinP)
	r.positive("typical_p", &p.TypicalP)
	r.positive("repetition_penalty", &p.RepetitionPenalty)
	r.number("frequency_penalty", &p.FrequencyPenalty)
	r.number("presence_penalty", &p.PresencePenalty)
	r.integer("min_tokens", &p.MinTokens)
	p.LogitBias = r.logitBias()
	r.seed(&p.Seed)
	return p
}

// positive reads a number that is not 0: in this API 0 does not mean off.
func (r *reader) positive(name string, v *float64) {
	if r.number(name, v); r.err == nil && *v == 0 {
		r.fault(name, codeValue, "is 0, expected more than 0")
	}
}

// logitBias reads what is added to the logits of tokens, by token.
func (r *reader) logitBias() map[int32]float64 {
	inner := r.inside("logit_bias")
	if inner == nil {
		return nil
	}
	bias := make(map[int32]float64, len(inner.f))
	for _, key := range inner.f.names() {
		id, err := strconv.ParseInt(key, 10, 32)
		if err != nil || strconv.FormatInt(id, 10) != key {
			inner.fault(key, codeValue, "is not a token, 0 to %d", r.vocab-1)
		}
		var v float64
		inner.number(key, &v)
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
