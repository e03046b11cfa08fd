package sampler

import (
	"cmp"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func filtered(logits []float32, p Params) []int32 {
	var w Workspace
	best, err := w.argmax(logits)
	if err != nil {
		panic(err)
	}
	c := w.filter(logits, logits[best], p)
	if c.ids == nil {
		for id := range logits {
			c.ids = append(c.ids, int32(id))
		}
	}
	return c.ids
}

func TestFilters(t *testing.T) {
	minus := -inf
	logits := []float32{0, 3, 1, 3, 2} // order: 1 3 4 2 0
	tests := []struct {
		name   string
		logits []float32
		p      Params
		want   []int32
	}{
		{"all", logits, Params{Temperature: 1}, []int32{0, 1, 2, 3, 4}},
		{"top_k keeps the first of equals", logits, Params{Temperature: 1, TopK: 1}, []int32{1}},
		{"top_k", logits, Params{Temperature: 1, TopK: 3}, []int32{1, 3, 4}},
		{"top_k beyond the vocabulary", logits, Params{Temperature: 1, TopK: 50}, []int32{0, 1, 2, 3, 4}},
		{"top_k of zeros", []float32{float32(math.Copysign(0, -1)), 0, -1, 0}, Params{Temperature: 1, TopK: 2}, []int32{0, 1}},
		{"top_k below zero", []float32{-5, -1, -3, -2}, Params{Temperature: 1, TopK: 2}, []int32{1, 3}},
		{"top_p keeps the token that crosses it", logits, Params{Temperature: 1, TopP: 0.5}, []int32{1, 3}},
		{"top_p keeps the first of equals", logits, Params{Temperature: 1, TopP: 0.3}, []int32{1}},
		{"tiny top_p keeps one", logits, Params{Temperature: 1, TopP: 1e-300}, []int32{1}},
		{"top_p is of what top_k left", logits, Params{Temperature: 1, TopK: 2, TopP: 0.5}, []int32{1}},
		{"min_p is relative to the best", logits, Params{Temperature: 1, MinP: 0.3}, []int32{1, 3, 4}},
		{"min_p of 1 keeps the equals", logits, Params{Temperature: 1, MinP: 1}, []int32{1, 3}},
		{"min_p counts after the temperature", logits, Params{Temperature: 0.5, MinP: 0.3}, []int32{1, 3}},
		{"min_p comes before top_p", logits, Params{Temperature: 1, MinP: 1, TopP: 0.9}, []int32{1, 3}},
		{"typical_p drops the too likely", append([]float32{1}, make([]float32, 30)...), Params{Temperature: 1, TypicalP: 0.1}, []int32{1, 2, 3, 4}},
		{"typical_p of equals keeps the first", []float32{1, 1, 1, 1}, Params{Temperature: 1, TypicalP: 0.5}, []int32{0, 1}},
		{"typical_p is of what top_k left", []float32{2, 0, 0, 0, 0, 0}, Params{Temperature: 1, TopK: 1, TypicalP: 0.3}, []int32{0}},
		{"what is taken out stays out", []float32{minus, 1, minus}, Params{Temperature: 1, TopK: 3}, []int32{1}},
		{"a tiny temperature", logits, Params{Temperature: 1e-300, TopP: 0.5}, []int32{1}},
	}
	for _, tt := range tests {
		if got := filtered(tt.logits, tt.p); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestKeysKeepTheOrder(t *testing.T) {
	values := []float32{-inf, -3.4e38, -2, -1, -1e-45, 0, 1e-45, 1, 2, 3.4e38, inf}
	for i, v := range values {
		if got := value(key(v)); got != v {
			t.Errorf("%v comes back as %v", v, got)
		}
		if i > 0 && key(v) <= key(values[i-1]) {
			t.Errorf("the key of %v is not above that of %v", v, values[i-1])
		}
	}
	if minus := float32(math.Copysign(0, -1)); key(minus) != key(0) {
		t.Error("the zeros differ")
	}
}

// sorted is the definition of top_k, top_p and min_p by sorting.
func sorted(logits []float32, p Params) (kept []int32, slack float64) {
	order := make([]int32, len(logits))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortStableFunc(order, func(a, b int32) int { return cmp.Compare(logits[b], logits[a]) })
	weight := func(id int32) float64 {
		return math.Exp((float64(logits[id]) - float64(logits[order[0]])) / p.Temperature)
	}
	slack = math.Inf(1)
	if p.MinP > 0 {
		for i, id := range order {
			slack = min(slack, math.Abs(weight(id)-p.MinP))
			if weight(id) < p.MinP {
				order = order[:i]
				break
			}
		}
	}
	if p.TopK > 0 {
		order = order[:min(p.TopK, len(order))]
	}
	if p.TopP > 0 && p.TopP < 1 {
		all, sum := 0.0, 0.0
		for _, id := range order {
			all += weight(id)
		}
		for i, id := range order {
			sum += weight(id)
			slack = min(slack, math.Abs(sum/all-p.TopP))
			if sum >= p.TopP*all {
				order = order[:i+1]
				break
			}
		}
	}
	slices.Sort(order)
	return order, slack
}

// TestFiltersEqualSorting compares with the definition, wherever that is not
// within a rounding error of deciding otherwise.
func TestFiltersEqualSorting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		logits := make([]float32, rapid.IntRange(1, 400).Draw(t, "vocabulary"))
		coarse := rapid.Bool().Draw(t, "coarse") // many equals
		for i := range logits {
			logits[i] = float32(rng.NormFloat64() * 3)
			if coarse {
				logits[i] = float32(int(logits[i]))
			}
		}
		p := Params{Temperature: rapid.Float64Range(0.05, 2).Draw(t, "temperature")}
		if rapid.Bool().Draw(t, "top_k") {
			p.TopK = rapid.IntRange(1, 50).Draw(t, "k")
		}
		if rapid.Bool().Draw(t, "top_p") {
			p.TopP = rapid.Float64Range(0.01, 0.999).Draw(t, "p")
		}
		if rapid.Bool().Draw(t, "min_p") {
			p.MinP = rapid.Float64Range(0.001, 1).Draw(t, "min")
		}
		want, slack := sorted(logits, p)
		if slack < 1e-9 {
			t.Skip("too close to call")
		}
		if got := filtered(logits, p); !slices.Equal(got, want) {
			t.Fatalf("%+v: kept %v, want %v", p, got, want)
		}
	})
}

func sample(t *testing.T, s *Sampler, logits []float32, position int) int32 {
	t.Helper()
	var w Workspace
	before := slices.Clone(logits)
	token, err := s.Sample(&w, logits, position)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(before, logits) {
		t.Error("the logits were changed")
	}
	return token
}

func TestGreedyTakesTheLowestOfEquals(t *testing.T) {
	if got := sample(t, New(Params{}, 0, nil, nil), []float32{1, 5, 5}, 0); got != 1 {
		t.Errorf("got %d", got)
	}
}

// TestTinyTemperaturesAreGreedy: also those whose inverse is no finite number.
func TestTinyTemperaturesAreGreedy(t *testing.T) {
	for _, temperature := range []float64{0, math.SmallestNonzeroFloat64, 1e-320, 1e-310, 1e-300, 1e-45, 1e-40, 1e-7} {
		for seed := range uint64(20) {
			p := Params{Temperature: temperature, TopP: 0.9, TypicalP: 0.9, MinP: 0.1, Seed: seed}
			if got := sample(t, New(p, 0, nil, nil), []float32{1, 5, 5, 4.9}, int(seed)); got != 1 {
				t.Errorf("temperature %v drew %d with seed %d", temperature, got, seed)
			}
		}
	}
}

func TestBrokenLogitsAreErrors(t *testing.T) {
	nan := float32(math.NaN())
	for name, tt := range map[string]struct {
		logits []float32
		want   error
	}{
		"NaN":       {[]float32{1, nan, 2}, ErrNotFinite},
		"first NaN": {[]float32{nan, 1}, ErrNotFinite},
		"infinity":  {[]float32{inf, 1}, ErrNotFinite},
		"nothing":   {[]float32{-inf, -inf}, ErrNoToken},
	} {
		for _, temperature := range []float64{0, 1} {
			var w Workspace
			if _, err := New(Params{Temperature: temperature}, 0, nil, nil).Sample(&w, tt.logits, 0); !errors.Is(err, tt.want) {
				t.Errorf("%s: %v, want %v", name, err, tt.want)
			}
		}
	}
}

func TestPenaltiesAndBias(t *testing.T) {
	tests := []struct {
		name          string
		p             Params
		prompt, drawn []int32
		logits, want  []float32
	}{
		{"repetition divides above zero and multiplies below, once", Params{RepetitionPenalty: 2}, []int32{0, 0}, []int32{1, 1}, []float32{4, -4, 1}, []float32{2, -8, 1}},
		{"frequency counts only the answer", Params{FrequencyPenalty: 0.5}, []int32{0}, []int32{1, 1, 2}, []float32{4, 4, 4}, []float32{4, 3, 3.5}},
		{"presence counts the answer once", Params{PresencePenalty: 0.5}, []int32{0}, []int32{1, 1}, []float32{4, 4, 4}, []float32{4, 3.5, 4}},
		{"negative penalties reward", Params{PresencePenalty: -1}, nil, []int32{2}, []float32{1, 1, 1}, []float32{1, 1, 2}},
		{"repetition comes before frequency", Params{RepetitionPenalty: 2, FrequencyPenalty: 1}, nil, []int32{0}, []float32{4, 0, 0}, []float32{1, 0, 0}},
		{"bias comes before repetition", Params{RepetitionPenalty: 2, LogitBias: map[int32]float64{0: 4, 2: -1}}, []int32{0}, nil, []float32{4, 1, 1}, []float32{4, 1, 0}},
		{"stop tokens wait for min_tokens", Params{MinTokens: 2}, nil, []int32{1}, []float32{4, 4, 4}, []float32{4, 4, -inf}},
		{"and are free afterwards", Params{MinTokens: 2}, nil, []int32{1, 1}, []float32{4, 4, 4}, []float32{4, 4, 4}},
		{"no bias brings a stop token back", Params{MinTokens: 2, LogitBias: map[int32]float64{2: 100}}, nil, nil, []float32{4, 4, 4}, []float32{4, 4, -inf}},
	}
	for _, tt := range tests {
		s := New(tt.p, 0, tt.prompt, []int32{2})
		for _, token := range tt.drawn {
			s.Accept(token)
		}
		var w Workspace
		if got := s.adjust(&w, tt.logits, len(tt.drawn) < tt.p.MinTokens); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

// even allows even tokens, of which the answer is complete after three.
type even struct{ taken int }

func (e *even) Mask(dst []uint64) {
	for i := range dst {
		dst[i] = 0x5555555555555555
	}
	if e.Done() {
		clear(dst)
		dst[0] = 1
	}
}
func (e *even) Accept(token int32) bool { e.taken++; return token%2 == 0 }
func (e *even) Done() bool              { return e.taken == 3 }

func TestGrammarTakesTokensOut(t *testing.T) {
	logits := make([]float32, 150)
	logits[133], logits[148] = 9, 5
	s := New(Params{MinTokens: 9}, 0, nil, []int32{0})
	s.Constrain(&even{}, len(logits))
	for range 3 {
		token := sample(t, s, logits, 0)
		if token != 148 || s.Done() {
			t.Fatalf("token %d, done %v", token, s.Done())
		}
		s.Accept(token)
		s.Prepare()
	}
	if token := sample(t, s, logits, 0); token != 0 || !s.Done() {
		t.Errorf("the end is token %d, done %v: min_tokens does not keep a complete answer open", token, s.Done())
	}
	s.Constrain(&even{}, len(logits))
	s.Accept(1)
	var w Workspace
	if _, err := s.Sample(&w, logits, 0); !errors.Is(err, ErrGrammar) {
		t.Errorf("a refused token leads to %v", err)
	}
}

func TestFrequenciesFollowTheDistribution(t *testing.T) {
	logits := []float32{0, 1, 2}
	const n = 60_000
	var seen [3]float64
	var w Workspace
	for position := range n {
		token, err := New(Params{Temperature: 1, Seed: 7}, position%3, nil, nil).Sample(&w, logits, position)
		if err != nil {
			t.Fatal(err)
		}
		seen[token]++
	}
	for token := range logits {
		lp, _ := Logprobs(logits, int32(token), 0)
		p := math.Exp(float64(lp))
		if sigma := math.Sqrt(n * p * (1 - p)); math.Abs(seen[token]-n*p) > 4*sigma {
			t.Errorf("token %d: drawn %v times, expected about %.0f", token, seen[token], n*p)
		}
	}
}

func TestDrawsDependOnSeedChoiceAndPosition(t *testing.T) {
	base := uniform(1, 0, 5)
	if uniform(1, 0, 5) != base {
		t.Error("not a function")
	}
	for name, other := range map[string]float64{
		"seed": uniform(2, 0, 5), "choice": uniform(1, 1, 5), "position": uniform(1, 0, 6), "shifted": uniform(1, 5, 0),
	} {
		if other == base {
			t.Errorf("%s does not matter", name)
		}
	}
}

func TestLogprobs(t *testing.T) {
	chosen, top := Logprobs([]float32{1, 2, 2, 0}, 3, 3)
	if len(top) != 3 || top[0].Token != 1 || top[1].Token != 2 || top[2].Token != 0 {
		t.Errorf("top %v, want 1, 2, 0", top)
	}
	sum := math.Exp(float64(chosen))
	for _, l := range top {
		sum += math.Exp(float64(l.Logprob))
	}
	if math.Abs(sum-1) > 1e-6 {
		t.Errorf("probabilities sum to %v", sum)
	}
	if _, top := Logprobs([]float32{1, 2}, 0, 20); len(top) != 2 {
		t.Errorf("%d alternatives of a vocabulary of 2", len(top))
	}
}

func TestValidateNamesEveryFault(t *testing.T) {
	err := Params{
		Temperature: -1, TopP: 2, TopK: -1, MinP: math.NaN(), TypicalP: -1, RepetitionPenalty: math.Inf(1),
		FrequencyPenalty: 3, PresencePenalty: -3, LogitBias: map[int32]float64{1: 101}, MinTokens: -1,
	}.Validate()
	for _, name := range []string{
		"temperature", "top_p", "top_k", "min_p", "typical_p", "repetition_penalty", "frequency_penalty", "presence_penalty", "logit_bias", "min_tokens",
	} {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%v does not name %s", err, name)
		}
	}
	ok := Params{Temperature: 2, TopP: 1, TopK: 3, MinP: 1, TypicalP: 1, RepetitionPenalty: 1.2, FrequencyPenalty: -2, PresencePenalty: 2,
		LogitBias: map[int32]float64{0: -100}, MinTokens: 5}
	if err := ok.Validate(); err != nil {
		t.Error(err)
	}
}

// TestSampleBits pins draws that every architecture must make.
func TestSampleBits(t *testing.T) {
	h := uint64(0)
	var w Workspace
	for i := range 400 {
		p := Params{Temperature: 0.3 + float64(i%7)/4, Seed: uint64(i)}
		switch i % 5 {
		case 1:
			p.TopP = 0.9
		case 2:
			p.TopK, p.MinP = 40, 0.01
		case 3:
			p.TypicalP = 0.8
		case 4:
			p.RepetitionPenalty, p.FrequencyPenalty = 1.3, 0.2
		}
		s := New(p, 0, []int32{1, 2, 3}, nil)
		s.Accept(5)
		logits := random(500, uint64(i))
		token, err := s.Sample(&w, logits, i)
		if err != nil {
			t.Fatal(err)
		}
		logprob, _ := Logprobs(logits, token, 3)
		h = mix(h ^ uint64(token) ^ uint64(math.Float32bits(logprob))<<32)
	}
	const want uint64 = 0x28cade8d229abf60
	if h != want {
		t.Errorf("the draws have the hash %#x, expected %#x", h, want)
	}
}

// random makes logits without any rounding that could differ.
func random(n int, seed uint64) []float32 {
	out := make([]float32, n)
	for i := range out {
		h := mix(mix(seed) + uint64(i))
		out[i] = float32(int64(h%8192+h>>16%8192+h>>32%8192+h>>48%8192)-16384) / 2048
	}
	return out
}

func TestSampleAllocatesNothing(t *testing.T) {
	logits := random(32000, 1)
	var w Workspace
	s := New(Params{Temperature: 1, TopP: 0.9, TopK: 100, TypicalP: 0.9, MinP: 0.01, RepetitionPenalty: 1.1}, 0, []int32{1, 2}, []int32{2})
	position := 0
	if n := testing.AllocsPerRun(20, func() {
		position++
		if _, err := s.Sample(&w, logits, position); err != nil {
			t.Fatal(err)
		}
	}); n > 0 {
		t.Errorf("%v allocations a call", n)
	}
}

func BenchmarkSample(b *testing.B) {
	logits := random(32000, 1)
	for _, c := range []struct {
		name string
		p    Params
	}{
		{"greedy", Params{}},
		{"temperature", Params{Temperature: 1}},
		{"top_k", Params{Temperature: 1, TopK: 40}},
		{"top_p", Params{Temperature: 1, TopP: 0.9}},
		{"min_p", Params{Temperature: 1, MinP: 0.05}},
		{"typical_p", Params{Temperature: 1, TypicalP: 0.9}},
		{"usual", Params{Temperature: 0.7, TopK: 40, TopP: 0.95, RepetitionPenalty: 1.1}},
	} {
		b.Run(c.name, func(b *testing.B) {
			var w Workspace
			s := New(c.p, 0, []int32{1, 2, 3}, nil)
			for b.Loop() {
				if _, err := s.Sample(&w, logits, 1); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkLogprobs(b *testing.B) {
	logits := random(32000, 1)
	for b.Loop() {
		Logprobs(logits, 7, 20)
	}
}
