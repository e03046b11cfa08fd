package serve

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"time"
)

// Arrival says how requests are spread over time.
type Arrival string

const (
	Poisson Arrival = "poisson" // independent: exponential gaps
	Fixed   Arrival = "fixed"   // one every 1/rate seconds
)

// Lengths is a log-normal distribution of token counts, cut off at both ends.
type Lengths struct {
	Median float64
	Sigma  float64 // of the logarithm
	Min    int
	Max    int
}

// Conversations are lengths as people's chats have them: most prompts are
// short, a few very long, answers somewhat longer. The shape follows what is
// published of the ShareGPT data set.
func Conversations(maxPrompt, maxAnswer int) (prompt, answer Lengths) {
	return Lengths{Median: 90, Sigma: 1.2, Min: 4, Max: maxPrompt}, Lengths{Median: 130, Sigma: 0.9, Min: 4, Max: maxAnswer}
}

func (l Lengths) draw(r *rand.Rand) int {
	n := int(math.Round(l.Median * math.Exp(l.Sigma*r.NormFloat64())))
	return min(max(n, l.Min), l.Max)
}

// Workload is what is asked of the server.
type Workload struct {
	Seed     uint64
	Rate     float64 // requests a second
	Arrival  Arrival
	Duration time.Duration // arrivals stop after it
	Prompt   Lengths
	Answer   Lengths
}

// Validate reports every fault at once.
func (w Workload) Validate() error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if !(w.Rate > 0 && w.Rate <= 1e5) {
		fault("rate %v: want above 0, at most 100000 a second", w.Rate)
	}
	if w.Arrival != Poisson && w.Arrival != Fixed {
		fault("arrival %q: want poisson or fixed", w.Arrival)
	}
	if w.Duration <= 0 {
		fault("duration %v: want more than 0", w.Duration)
	}
	for name, l := range map[string]Lengths{"prompt": w.Prompt, "answer": w.Answer} {
		if l.Min < 1 || l.Max < l.Min || !(l.Median > 0) || !(l.Sigma >= 0) {
			fault("%s lengths %+v: want 1 <= min <= max, a median above 0 and a sigma of at least 0", name, l)
		}
	}
	return errors.Join(faults...)
}

// Request is one arrival.
type Request struct {
	At     time.Duration // from the start
	Prompt int           // tokens
	Answer int           // tokens
	Offset int           // where in the corpus the prompt begins
}

// Requests draws the workload.
func (w Workload) Requests() []Request {
	r := rand.New(rand.NewPCG(w.Seed, 0x68616368692d3821))
	var all []Request
	for at := w.gap(r); at < w.Duration; at += w.gap(r) {
		all = append(all, Request{At: at, Prompt: w.Prompt.draw(r), Answer: w.Answer.draw(r), Offset: r.IntN(1 << 30)})
	}
	return all
}

func (w Workload) gap(r *rand.Rand) time.Duration {
	seconds := 1 / w.Rate
	if w.Arrival == Poisson {
		seconds *= r.ExpFloat64()
	}
	return time.Duration(seconds * float64(time.Second))
}
