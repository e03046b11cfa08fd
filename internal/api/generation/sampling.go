package generation

import (
	"math"
	"math/rand/v2"
	"strconv"

	"github.com/hachi-serve/hachi/internal/api/httpapi"
	"github.com/hachi-serve/hachi/internal/router/sampler"
)

// sampling reads how a token is drawn; the parameters before the call hold where
// the request says nothing. Ranges are checked by package completion.
func (r reader) sampling(p sampler.Params) sampler.Params {
	p.Seed = rand.Uint64()
	r.Number("temperature", &p.Temperature)
	r.positive("top_p", &p.TopP)
	if r.Integer("top_k", &p.TopK); p.TopK == -1 {
		p.TopK = 0 // both are off here; the sampler knows 0
	}
	r.Number("min_p", &p.MinP)
	r.positive("typical_p", &p.TypicalP)
	r.positive("repetition_penalty", &p.RepetitionPenalty)
	r.Number("frequency_penalty", &p.FrequencyPenalty)
	r.Number("presence_penalty", &p.PresencePenalty)
	r.Integer("min_tokens", &p.MinTokens)
	p.LogitBias = r.logitBias()
	r.seed(&p.Seed)
	return p
}

// positive reads a number that is not 0: in this API 0 does not mean off.
func (r reader) positive(name string, v *float64) {
	if r.Number(name, v); r.Err() == nil && *v == 0 {
		r.Fault(name, httpapi.CodeValue, "is 0, expected more than 0")
	}
}

// logitBias reads what is added to the logits of tokens, by token.
func (r reader) logitBias() map[int32]float64 {
	inner := r.Inside("logit_bias")
	if inner == nil {
		return nil
	}
	bias := make(map[int32]float64, len(inner.Names()))
	for _, key := range inner.Names() {
		id, err := strconv.ParseInt(key, 10, 32)
		if err != nil || strconv.FormatInt(id, 10) != key {
			inner.Fault(key, httpapi.CodeValue, "is not a token, 0 to %d", r.vocab-1)
		}
		var v float64
		inner.Number(key, &v)
		bias[int32(id)] = v
	}
	return bias
}

// seed reads a signed or unsigned 64-bit integer.
func (r reader) seed(v *uint64) {
	raw, ok := r.Value("seed", httpapi.KindNumber)
	if !ok {
		return
	}
	if x, err := strconv.ParseUint(string(raw), 10, 64); err == nil {
		*v = x
		return
	}
	x, ok := httpapi.Whole(raw)
	if !ok || x == math.MaxInt64 || x == math.MinInt64 && string(raw) != strconv.Itoa(math.MinInt64) {
		r.Fault("seed", httpapi.CodeValue, "is %s, expected a 64-bit integer", raw)
		return
	}
	*v = uint64(x)
}
