package serve

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/hachi-serve/hachi/internal/bench/measure"
)

// Steps is the work of `hachi bench model`, asked of a server: a prompt by itself, and
// streams that all decode.
type Steps struct {
	Prefill []int  // tokens of a prompt
	Decode  []int  // streams at once
	Context int    // tokens of each stream's prompt
	Tokens  int    // that each stream draws
	Rounds  int    // medians of them are reported; one more comes first and warms up
	Seed    uint64 // of the prompts, no two of which begin alike
}

// Validate reports every fault at once.
func (s Steps) Validate() error {
	var faults []error
	if all := slices.Concat(s.Prefill, s.Decode); len(all) == 0 || slices.Min(all) < 1 {
		faults = append(faults, fmt.Errorf("prefill %v, decode %v: want some, 1 or more each", s.Prefill, s.Decode))
	}
	if s.Context < 1 || s.Tokens < 3 || s.Rounds < 1 {
		faults = append(faults, fmt.Errorf("%d rounds of %d tokens after prompts of %d: want at least 1 of 3 after 1", s.Rounds, s.Tokens, s.Context))
	}
	return errors.Join(faults...)
}

// Step is one kind of step; both numbers are medians of the rounds.
type Step struct {
	Kind       string  `json:"kind"` // prefill or decode
	Rows       int     `json:"rows"` // tokens of the prompt, or streams
	TokensPerS float64 `json:"tokens_per_s"`
	// Milliseconds to the first token of the prompt, or from one token of a stream to the next.
	Milliseconds float64 `json:"ms"`
}

// StepsReport is what a server does of Steps.
type StepsReport struct {
	Rounds int    `json:"rounds"`
	Steps  []Step `json:"steps"`
}

// WriteText writes a row for each kind of step.
func (r StepsReport) WriteText(out io.Writer) {
	fmt.Fprintf(out, "by HTTP, median of %d\n\trows\ttokens/s\tms\t\n", r.Rounds)
	for _, s := range r.Steps {
		fmt.Fprintf(out, "%s\t%d\t%.2f\t%.2f\t\n", s.Kind, s.Rows, s.TokensPerS, s.Milliseconds)
	}
}

// RunSteps measures every kind of step in every round.
func RunSteps(ctx context.Context, c Client, s Steps) (StepsReport, error) {
	if err := s.Validate(); err != nil {
		return StepsReport{}, err
	}
	tokens, err := c.Tokens(ctx)
	if err != nil {
		return StepsReport{}, err
	}
	m := stepping{c: c, Steps: s, tokens: tokens, rng: rand.New(rand.NewPCG(s.Seed, 0))}
	report := StepsReport{Rounds: s.Rounds}
	for _, n := range s.Prefill {
		report.Steps = append(report.Steps, Step{Kind: "prefill", Rows: n})
	}
	for _, n := range s.Decode {
		report.Steps = append(report.Steps, Step{Kind: "decode", Rows: n})
	}
	rates := make([][]float64, len(report.Steps))
	for round := range s.Rounds + 1 {
		for i, step := range report.Steps {
			rate, err := m.measure(ctx, step)
			if err != nil {
				return report, fmt.Errorf("%s of %d: %w", step.Kind, step.Rows, err)
			}
			if round > 0 {
				rates[i] = append(rates[i], rate)
			}
		}
	}
	for i := range report.Steps {
		step := &report.Steps[i]
		step.TokensPerS = measure.Median(rates[i])
		step.Milliseconds = 1e3 * float64(step.Rows) / step.TokensPerS
	}
	return report, nil
}

// stepping is a run of Steps.
type stepping struct {
	c Client
	Steps
	tokens []int32
	rng    *rand.Rand
}

// measure is the rate of one step, tokens per second.
func (m stepping) measure(ctx context.Context, step Step) (float64, error) {
	if step.Kind == "prefill" {
		sample := m.c.complete(ctx, time.Now(), m.prompt(step.Rows), 1)
		return float64(step.Rows) / sample.First.Seconds(), sample.Err
	}
	samples := make([]Sample, step.Rows)
	var all sync.WaitGroup
	for i := range samples {
		prompt := m.prompt(m.Context)
		all.Go(func() { samples[i] = m.c.complete(ctx, time.Now(), prompt, m.Tokens) })
	}
	all.Wait()
	return decodeRate(samples)
}

// prompt draws a prompt that shares no prefix with others.
func (m stepping) prompt(n int) []int32 {
	prompt := make([]int32, n)
	for i := range prompt {
		prompt[i] = m.tokens[m.rng.IntN(len(m.tokens))]
	}
	return prompt
}

// errNoDecode says that some stream ended before the last began.
var errNoDecode = errors.New("at no time did all streams decode: let them draw more tokens")

// decodeRate is how many tokens per second came while all streams decoded: from the last
// first token to the first end.
func decodeRate(samples []Sample) (float64, error) {
	var from, to time.Time
	for _, s := range samples {
		if s.Err != nil {
			return 0, s.Err
		}
		first := s.Due.Add(s.First)
		last := first
		for _, gap := range s.Gaps {
			last = last.Add(gap)
		}
		if first.After(from) {
			from = first
		}
		if to.IsZero() || last.Before(to) {
			to = last
		}
	}
	if !to.After(from) {
		return 0, errNoDecode
	}
	count := 0.0
	for _, s := range samples {
		// A part of an answer may hold several tokens, where one ends within a character.
		perPart := float64(s.Generated) / float64(len(s.Gaps)+1)
		at := s.Due.Add(s.First)
		for _, gap := range s.Gaps {
			if at = at.Add(gap); at.After(from) && !at.After(to) {
				count += perPart
			}
		}
	}
	return count / to.Sub(from).Seconds(), nil
}
