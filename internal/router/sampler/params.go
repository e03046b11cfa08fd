package sampler

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
)

// Params say how a token is drawn. The zero value is greedy.
type Params struct {
	Temperature float64 // below minTemperature is greedy
	TopP        float64 // 0 and 1 are off
	TopK        int     // 0 is off
	MinP        float64 // 0 is off
	TypicalP    float64 // 0 and 1 are off
	Seed        uint64

	RepetitionPenalty float64 // 0 and 1 are off
	FrequencyPenalty  float64 // 0 is off
	PresencePenalty   float64 // 0 is off
	// LogitBias is added to the logits of tokens; nil is off.
	LogitBias map[int32]float64
	// MinTokens is the minimum number of tokens before a stop token may be drawn,
	// unless a grammar allows nothing else; 0 is off.
	MinTokens int
}

// minTemperature is the lowest temperature that is not greedy: 1/T of a denormal T
// is infinite, and logits, which are float32, seldom differ by less than 1e-6.
const minTemperature = 1e-6

// greedy reports whether the most likely token is drawn.
func (p Params) greedy() bool { return p.Temperature < minTemperature }

// maxPenalty bounds repetition_penalty: products of logits stay finite.
const maxPenalty = 100

// Validate reports every parameter out of range, by name. It does not know the
// vocabulary, so it cannot check that biased tokens are in it.
func (p Params) Validate() error {
	const maxFaults = 16 // that are worth reading

	var faults []error
	check := func(ok bool, name string, value any, want string) {
		if !ok {
			faults = append(faults, &ParamError{Param: name, Err: fmt.Errorf("%s is %v, expected %s", name, value, want)})
		}
	}
	check(p.Temperature >= 0 && p.Temperature <= 2, "temperature", p.Temperature, "0 to 2")
	check(p.TopP >= 0 && p.TopP <= 1, "top_p", p.TopP, "more than 0, at most 1")
	check(p.TopK >= 0, "top_k", p.TopK, "0 or more")
	check(p.MinP >= 0 && p.MinP <= 1, "min_p", p.MinP, "0 to 1")
	check(p.TypicalP >= 0 && p.TypicalP <= 1, "typical_p", p.TypicalP, "more than 0, at most 1")
	check(p.RepetitionPenalty >= 0 && p.RepetitionPenalty <= maxPenalty, "repetition_penalty", p.RepetitionPenalty, fmt.Sprintf("more than 0, at most %d", maxPenalty))
	check(p.FrequencyPenalty >= -2 && p.FrequencyPenalty <= 2, "frequency_penalty", p.FrequencyPenalty, "-2 to 2")
	check(p.PresencePenalty >= -2 && p.PresencePenalty <= 2, "presence_penalty", p.PresencePenalty, "-2 to 2")
	check(p.MinTokens >= 0, "min_tokens", p.MinTokens, "0 or more")
	for _, token := range slices.Sorted(maps.Keys(p.LogitBias)) {
		if len(faults) >= maxFaults {
			break
		}
		bias := p.LogitBias[token]
		check(token >= 0 && bias >= -100 && bias <= 100, fmt.Sprintf("logit_bias.%d", token), bias, "-100 to 100")
	}
	return errors.Join(faults...)
}

// penalizes reports whether a draw depends on earlier tokens.
func (p Params) penalizes() bool {
	return (p.RepetitionPenalty != 0 && p.RepetitionPenalty != 1) || p.FrequencyPenalty != 0 || p.PresencePenalty != 0
}

// ParamError is a parameter out of range.
type ParamError struct {
	Param string
	Err   error
}

func (e *ParamError) Error() string { return e.Err.Error() }
func (e *ParamError) Unwrap() error { return e.Err }

var (
	// ErrNotFinite means that the model produced a NaN or an infinity.
	ErrNotFinite = errors.New("the logits are not finite numbers")
	// ErrNoToken means that a grammar, a bias or min_tokens leave no token.
	ErrNoToken = errors.New("no token is allowed here")
	// ErrGrammar means that a grammar refused a token that its mask allowed.
	ErrGrammar = errors.New("the grammar refuses a token that it allowed")
)

var inf = float32(math.Inf(1))
