package sampler

import (
	"cmp"
	"errors"
	"maps"
	"slices"
)

// Sampler draws the tokens of one answer.
type Sampler struct {
	p       Params
	choice  int
	stops   []int32
	bias    []biased
	seen    map[int32]int // token -> index of counts; nil when nothing depends on it
	counts  []count
	drawn   int
	grammar grammar
}

type biased struct {
	token int32
	bias  float32
}

// count is how often a token was drawn, for penalties.
type count struct {
	token int32
	drawn int // in the answer
}

// New returns the sampler of one of several answers to a prompt: number choice.
// stops are the tokens that end it.
func New(p Params, choice int, prompt, stops []int32) *Sampler {
	s := &Sampler{p: p, choice: choice, stops: stops}
	for _, token := range slices.Sorted(maps.Keys(p.LogitBias)) {
		s.bias = append(s.bias, biased{token, float32(p.LogitBias[token])})
	}
	if p.penalizes() {
		s.seen = map[int32]int{}
		for _, token := range prompt {
			s.count(token, 0)
		}
	}
	return s
}

// Accept adds a token to the answer.
func (s *Sampler) Accept(token int32) {
	s.drawn++
	s.grammar.accept(token)
	if s.seen != nil {
		s.count(token, 1)
	}
}

func (s *Sampler) count(token int32, drawn int) {
	i, ok := s.seen[token]
	if !ok {
		i = len(s.counts)
		s.seen[token] = i
		s.counts = append(s.counts, count{token: token})
	}
	s.counts[i].drawn += drawn
}

// Sample draws the token at a position. It leaves logits as they are.
func (s *Sampler) Sample(w *Workspace, logits []float32, position int) (int32, error) {
	if s.grammar.refused {
		return 0, ErrGrammar
	}
	raw, early := logits, s.drawn < s.p.MinTokens && len(s.stops) > 0
	logits = s.adjust(w, raw, early)
	best, err := w.argmax(logits)
	if early && errors.Is(err, ErrNoToken) {
		// The grammar allows only what min_tokens forbids, as when it is complete.
		logits = s.adjust(w, raw, false)
		best, err = w.argmax(logits)
	}
	if err != nil || s.p.greedy() {
		return best, err
	}
	c := w.filter(logits, logits[best], s.p)
	return c.draw(uniform(s.p.Seed, s.choice, position)), nil
}

// uniform is the number in [0, 1) of (seed, choice, position).
func uniform(seed uint64, choice, position int) float64 {
	h := mix(mix(mix(seed)+uint64(choice)) + uint64(position))
	return float64(h>>11) / (1 << 53)
}

// mix is the finalizer of SplitMix64.
func mix(z uint64) uint64 {
	z += 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// TokenLogprob is a token and the natural logarithm of its probability.
type TokenLogprob struct {
	Token   int32
	Logprob float32
}

// Logprobs computes the log probability of a token and of the n most likely
// tokens, in descending order, ties to the lowest id.
func Logprobs(logits []float32, token int32, n int) (chosen float32, top []TokenLogprob) {
	high := float64(slices.Max(logits))
	sum := 0.0
	for _, v := range logits {
		sum += exp(float64(v) - high)
	}
	norm := high + log(sum)
	of := func(id int32) float32 { return float32(float64(logits[id]) - norm) }
	if n = min(n, len(logits)); n > 0 {
		top = make([]TokenLogprob, 0, n+1)
	}
	for id, v := range logits {
		if n == 0 || (len(top) == n && v <= top[n-1].Logprob) {
			continue
		}
		at, _ := slices.BinarySearchFunc(top, v, func(t TokenLogprob, v float32) int {
			return cmp.Or(cmp.Compare(v, t.Logprob), -1) // after its equals
		})
		top = slices.Insert(top, at, TokenLogprob{int32(id), v})
		top = top[:min(n, len(top))]
	}
	for i := range top {
		top[i].Logprob = of(top[i].Token)
	}
	return of(token), top
}
