package trace

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// Kind names the trace whose statistics a synthetic one has.
type Kind string

const (
	AzureConversation    Kind = "azure-conversation"
	AzureCode            Kind = "azure-code"
	MooncakeConversation Kind = "mooncake-conversation"
)

// Kinds are all kinds, as people write them.
func Kinds() []string {
	return []string{string(AzureConversation), string(AzureCode), string(MooncakeConversation)}
}

// Synthetic describes a trace to be made.
type Synthetic struct {
	Kind     Kind
	Seed     uint64
	Duration time.Duration
	Rate     float64 // requests per second on average; 0 is that of the real trace
}

// Validate reports every fault at once.
func (s Synthetic) Validate() error {
	var faults []error
	if !slices.Contains(Kinds(), string(s.Kind)) {
		faults = append(faults, fmt.Errorf("trace %q: want one of %v", s.Kind, Kinds()))
	}
	if s.Duration <= 0 || s.Duration > maxSpan {
		faults = append(faults, fmt.Errorf("duration %v: want above 0, at most %v", s.Duration, maxSpan))
	}
	if !(s.Rate >= 0 && s.Rate <= maxRate) {
		faults = append(faults, fmt.Errorf("rate %v: want 0 to %v requests per second", s.Rate, float64(maxRate)))
	}
	return errors.Join(faults...)
}

const maxRate = 1e5

// Make draws the requests.
//
// Arrivals are a Poisson process whose rate is another in every 10 s: it is drawn from a
// gamma distribution, whose shape gives the counts of 10 s the dispersion of the trace.
// Lengths are drawn from the trace's quantiles, interpolated on a logarithmic scale,
// prompt and answer independently (the correlation of their logarithms is below 0.1 in
// all three traces).
//
// A prompt of Mooncake's trace begins with the block that all share. A share of the
// prompts, which depends on their length, then goes on as an earlier one does, for a
// fraction of its blocks that is drawn from the trace's quantiles.
func (s Synthetic) Make() []Request {
	f := fits[s.Kind]
	rate := s.Rate
	if rate == 0 {
		rate = f.rate
	}
	r := rand.New(rand.NewPCG(s.Seed, 0x74726163652d31))
	var out []Request
	p := prefixes{fit: f, random: r}
	for from := time.Duration(0); from < s.Duration; from += modulation {
		until := min(from+modulation, s.Duration)
		now := rate * gamma(r, f.shape) / f.shape
		for at := from + gap(r, now); at < until; at += gap(r, now) {
			level := r.Float64()
			request := Request{At: at, Prompt: f.prompt.tokens(level), Answer: f.answer.tokens(r.Float64())}
			if f.continued != nil {
				request.Blocks = p.blocks(request.Prompt, f.continued[int(level*float64(len(f.continued)))])
			}
			out = append(out, request)
		}
	}
	return out
}

// modulation is for how long a rate stays.
const modulation = 10 * time.Second

// gap is an exponential time; far in the future when the rate is 0.
func gap(r *rand.Rand, rate float64) time.Duration {
	return time.Duration(min(r.ExpFloat64()/max(rate, 1e-12), 1e9) * float64(time.Second))
}

// gamma draws from the gamma distribution of scale 1. Source: Marsaglia and Tsang (2000).
func gamma(r *rand.Rand, shape float64) float64 {
	if shape < 1 { // their note 8
		return gamma(r, shape+1) * math.Pow(1-r.Float64(), 1/shape)
	}
	d := shape - 1.0/3
	c := 1 / math.Sqrt(9*d)
	for {
		x := r.NormFloat64()
		v := 1 + c*x
		if v <= 0 {
			continue
		}
		v *= v * v
		if u := 1 - r.Float64(); math.Log(u) < 0.5*x*x+d-d*v+d*math.Log(v) {
			return d * v
		}
	}
}

// prefixes makes prompts that begin as earlier ones.
type prefixes struct {
	fit    fit
	random *rand.Rand
	recent [][]uint64 // a ring of the last prompts
	made   int
	fresh  uint64 // 0 is the block that all share
}

// remembered is how many prompts another may go on from: in Mooncake's trace half of
// those that share a prefix share it with one of the last 423.
const remembered = 2048

// blocks are those of a prompt, which goes on as an earlier one does with a chance.
func (p *prefixes) blocks(tokens int, continued float64) []uint64 {
	n := blocksOf(tokens)
	out := make([]uint64, 1, n)
	if p.random.Float64() < continued {
		shared := min(n, max(2, int(math.Round(p.fit.fraction.at(p.random.Float64())*float64(n)))))
		before := p.pick(shared)
		out = append(out, before[min(1, len(before)):min(shared, len(before))]...)
	}
	for len(out) < n {
		p.fresh++
		out = append(out, p.fresh)
	}
	if len(p.recent) < remembered {
		p.recent = append(p.recent, out)
	} else {
		p.recent[p.made%remembered] = out
	}
	p.made++
	return out
}

// pick finds an earlier prompt of a number of blocks at least, or the longest of some.
func (p *prefixes) pick(blocks int) (longest []uint64) {
	const tries = 64
	for range min(tries, len(p.recent)) {
		one := p.recent[p.random.IntN(len(p.recent))]
		if len(one) > len(longest) {
			longest = one
		}
		if len(longest) >= blocks {
			break
		}
	}
	return longest
}
