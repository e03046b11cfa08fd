package engine_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hachi-serve/hachi/internal/api/completion"
	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/router/engine"
	"github.com/hachi-serve/hachi/internal/router/sampler"
	"github.com/hachi-serve/hachi/internal/router/scheduler"
	"github.com/hachi-serve/hachi/internal/text/grammar"
	"github.com/hachi-serve/hachi/internal/text/tokenizer"
	"github.com/hachi-serve/hachi/internal/transport/faulty"
	"github.com/hachi-serve/hachi/moe"
)

var (
	long     = flag.Bool("long", false, "every combination of settings, not a choice of them")
	metaSeed = flag.Uint64("metamorphic-seed", 0, "seed of requests and weights; 0 chooses one")
)

// ask is a request, the texts that stop it, and the language of its answer.
type ask struct {
	r     engine.Request
	stops []string
	g     *grammar.Grammar
	json  bool // the language is JSON
}

// reply is what comes back: every bit of it as text, and what can be judged.
type reply struct {
	bits, text string
	finish     engine.FinishReason
}

// beginning is the part of the vocabulary that the model has.
type beginning struct{ *tokenizer.Tokenizer }

func (b beginning) Size() int            { return small.Vocab }
func (b beginning) Bytes(t int32) []byte { return b.TokenBytes(t) }
func (b beginning) First(t int32) []byte { return bytes.TrimPrefix(b.TokenBytes(t), []byte(" ")) }

const schema = `{"type":"object","properties":{"name":{"type":"string","maxLength":9},"age":{"type":"integer","minimum":0,"maximum":150},
	"tags":{"type":"array","items":{"enum":["a","bc","日本"]},"maxItems":3}},"required":["name","age"],"additionalProperties":false}`

// record counts members, tells names apart by patterns, and items by what was
// written.
const record = `{"type":"object","propertyNames":{"maxLength":2},"patternProperties":{"^n":{"type":"integer","multipleOf":5,"minimum":0,"maximum":100}},
	"additionalProperties":{"type":"array","items":{"enum":["a","bc","日本"]},"uniqueItems":true},"minProperties":2,"maxProperties":3}`

// grammars are languages that short answers can be of, JSON first.
func grammars(t *testing.T, words *tokenizer.Tokenizer) []*grammar.Grammar {
	t.Helper()
	c, err := grammar.NewCompiler(beginning{words}, grammar.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	var out []*grammar.Grammar
	add := func(g *grammar.Grammar, err error) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, g)
	}
	add(c.Schema([]byte(schema)))
	add(c.Schema([]byte(record)))
	add(c.Object())
	add(c.Regex(`(yes|no)( [a-f0-9]{2,6}){1,4}`))
	add(c.Choice([]string{"one", "two", "three and four"}))
	calls := &grammar.Calls{Begin: `<call> {"name": "`, Between: `", "arguments": `, Next: `} <call> {"name": "`, End: "} </call>", Marker: "<call>", Anywhere: true, Many: true}
	calls.Functions = []grammar.Function{{Name: "get", Schema: []byte(schema)}, {Name: "get_all", Schema: []byte(`{"type":"object","properties":{"a":{"enum":["日","b"]}}}`)}}
	add(c.Turn(grammar.Turn{Calls: calls}))
	add(c.Turn(grammar.Turn{Calls: calls, Text: &grammar.Text{}, Reasoning: grammar.Reasoning{Open: "<th>", Close: "</th>"}}))
	return out
}

// mix makes requests of every kind. Prompts share prefixes, repeat themselves,
// and end on, before and after the edges of blocks.
func mix(rng *rand.Rand, languages []*grammar.Grammar, n int) []ask {
	token := func() int32 { return int32(3 + rng.IntN(small.Vocab-3)) }
	random := func(n int) []int32 {
		out := make([]int32, n)
		for i := range out {
			out[i] = token()
		}
		return out
	}
	families := [][]int32{random(560), random(200), random(64)}
	needed := slices.Concat(judged(rng, languages[:2], random), endless(rng, random))
	var all []ask
	for len(all) < n-len(needed) {
		var prompt []int32
		switch family := rng.IntN(8); {
		case family < 3 && rng.IntN(3) > 0:
			prompt = slices.Clone(families[family][:16+rng.IntN(len(families[family])-16)])
			prompt = append(prompt, random(rng.IntN(20))...)
		case family < 6:
			prompt = slices.Repeat(random(3+rng.IntN(6)), 2+rng.IntN(8))
		default:
			prompt = random([]int{1, 2, 15, 16, 17, 31, 32, 33, 47, 48, 49, 64, 65, 100}[rng.IntN(14)])
		}
		a := ask{r: engine.Request{
			Prompt: prompt, MaxTokens: 1 + rng.IntN(96), Params: params(rng), Logprobs: []int{-1, -1, 0, 3}[rng.IntN(4)],
			PromptLogprobs: rng.IntN(12) == 0, StopTokens: []int32{2}, Priority: rng.IntN(3) - 1,
		}}
		if len(prompt) < 40 {
			a.r.MaxTokens *= 3 // answers longer than their prompts lead to shortage
		}
		if rng.IntN(3) == 0 {
			a.r.StopTokens = append(a.r.StopTokens, random(12)...)
		}
		if rng.IntN(4) == 0 {
			a.stops = [][]string{{"e"}, {" th", "in"}, {"o", "\x05"}, {"er", "an"}}[rng.IntN(4)]
		}
		if rng.IntN(5) == 0 {
			i := rng.IntN(len(languages))
			a.g, a.json = languages[i], i < 2
		}
		a.r.Params.MinTokens = min(a.r.Params.MinTokens, a.r.MaxTokens)
		for a.r.Choice = range 1 + max(0, rng.IntN(8)-5) {
			all = append(all, a)
		}
	}
	return append(all[:n-len(needed)], needed...)
}

// judged makes a request in each language of JSON that ends by itself under any
// seed: nothing else stops it, and the longest value fits.
func judged(rng *rand.Rand, languages []*grammar.Grammar, random func(n int) []int32) []ask {
	var all []ask
	for _, g := range languages {
		all = append(all, ask{r: engine.Request{Prompt: random(17), MaxTokens: 288, Params: params(rng), StopTokens: []int32{2}}, g: g, json: true})
	}
	return all
}

// endless makes requests that are short of blocks together under any seed: no token
// ends them, and their answers need several times what a tight cache has.
func endless(rng *rand.Rand, random func(n int) []int32) []ask {
	var all []ask
	for range 6 {
		all = append(all, ask{r: engine.Request{Prompt: random(16), MaxTokens: 288, Params: params(rng)}})
	}
	return all
}

func params(rng *rand.Rand) sampler.Params {
	p := sampler.Params{Seed: rng.Uint64()}
	some := func(share float64, set func()) {
		if rng.Float64() < share {
			set()
		}
	}
	some(0.6, func() {
		p.Temperature = []float64{0.2, 0.7, 1, 1.5}[rng.IntN(4)]
		some(0.4, func() { p.TopP = 0.5 + rng.Float64()/2 })
		some(0.4, func() { p.TopK = 1 + rng.IntN(60) })
		some(0.3, func() { p.MinP = rng.Float64() / 5 })
		some(0.2, func() { p.TypicalP = 0.3 + rng.Float64()*0.7 })
	})
	some(0.25, func() { p.RepetitionPenalty = 0.9 + rng.Float64()/2 })
	some(0.25, func() { p.FrequencyPenalty = rng.Float64()*2 - 0.5 })
	some(0.25, func() { p.PresencePenalty = rng.Float64()*2 - 0.5 })
	some(0.2, func() {
		p.LogitBias = map[int32]float64{int32(rng.IntN(small.Vocab)): 3, int32(rng.IntN(small.Vocab)): -100}
	})
	some(0.3, func() { p.MinTokens = rng.IntN(20) })
	return p
}

// answer asks and writes down every bit of what comes back.
func (a ask) answer(ctx context.Context, e *engine.Engine, words *tokenizer.Tokenizer) (reply, error) {
	c := completion.Completer{Engine: completion.Local{Engine: e}, Tokenizer: words, Context: small.MaxContext}
	r := completion.Request{Request: a.r, Stop: a.stops, NewText: a.g != nil || a.r.Choice > 0}
	if a.g != nil {
		r.Matcher = a.g.Matcher()
	}
	reader, err := c.Start(ctx, r)
	if err != nil {
		return reply{}, err
	}
	defer reader.Close()
	var out strings.Builder
	text := ""
	for {
		d, err := reader.Next(ctx)
		if err != nil {
			return reply{}, err
		}
		text += d.Text()
		for _, event := range d.Tokens {
			fmt.Fprintf(&out, "%d %v %x", event.Token, event.Prompt, math.Float32bits(event.Logprob))
			for _, top := range event.Top {
				fmt.Fprintf(&out, " %d:%x", top.Token, math.Float32bits(top.Logprob))
			}
			out.WriteByte('\n')
		}
		if d.Finish != engine.NotFinished {
			return reply{fmt.Sprintf("%s%q %s", &out, text, d.Finish), text, d.Finish}, nil
		}
	}
}

// together asks everything at once and compares.
func together(t *testing.T, e *engine.Engine, words *tokenizer.Tokenizer, asks []ask, want []reply) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute) // an expert that never comes
	defer cancel()
	got, errs := make([]reply, len(asks)), make([]error, len(asks))
	var all sync.WaitGroup
	for i, a := range asks {
		all.Go(func() { got[i], errs[i] = a.answer(ctx, e, words) })
	}
	all.Wait()
	wrong := 0
	for i := range asks {
		if errs[i] != nil {
			t.Fatal(errs[i])
		}
		if got[i] == want[i] {
			continue
		}
		if wrong++; wrong == 1 {
			t.Errorf("request %d, %+v, stops %q, grammar %v:\n%s\nalone:\n%s", i, asks[i].r, asks[i].stops, asks[i].g != nil, got[i].bits, want[i].bits)
		}
	}
	if wrong > 0 {
		t.Errorf("%d of %d answers differ", wrong, len(asks))
	}
}

// setting is one way to serve.
type setting struct {
	name   string
	chunk  int
	cache  bool
	blocks int
	spec   int
	nodes  int
	parts  int // micro-batches
	cores  int // that compute and draw; 0 is all
	faults bool
	proves func(s engine.Stats) bool
}

const (
	roomy = 2000
	tight = 48 // the longest request needs 43
)

func (s setting) config() engine.Config {
	return engine.Config{
		Blocks: s.blocks, PrefixCache: s.cache, Speculate: s.spec,
		Limits: scheduler.Limits{StepTokens: 512, MaxSequences: 64, MaxWaiting: 1000, Chunk: s.chunk, MaxStepSlowdown: 1.7},
	}
}

// chosen are the settings that every run of the test tries.
func chosen() []setting {
	hits := func(s engine.Stats) bool { return s.PrefixHits > 1000 }
	preempted := func(s engine.Stats) bool { return s.Preemptions > 0 }
	guessed := func(s engine.Stats) bool { return s.Accepted > 50 && s.Drafted > s.Accepted }
	ok := func(engine.Stats) bool { return true }
	return []setting{
		{"together", 512, false, roomy, 0, 0, 0, 4, false, ok},
		{"chunks of 1", 1, false, roomy, 0, 0, 0, 0, false, ok},
		{"chunks of 7", 7, false, roomy, 0, 0, 3, 3, false, ok},
		{"chunks of 64", 64, false, roomy, 0, 0, 2, 0, false, ok},
		{"prefix cache", 512, true, roomy, 0, 0, 0, 0, false, hits},
		{"prefix cache, preempted", 64, true, tight, 0, 0, 0, 0, false, preempted},
		{"preempted", 512, false, tight, 0, 0, 0, 1, false, preempted},
		{"speculation", 512, false, roomy, 6, 0, 0, 0, false, guessed},
		{"speculation, prefix cache, preempted", 7, true, tight, 6, 0, 2, 0, false, guessed},
		{"one node", 512, true, roomy, 0, 1, 0, 0, false, ok},
		{"four nodes", 512, false, roomy, 0, 4, 4, 0, false, ok},
		{"everything", 64, true, tight, 6, 4, 3, 4, true, func(s engine.Stats) bool { return hits(s) && preempted(s) && guessed(s) }},
	}
}

// every combines all settings.
func every() []setting {
	var out []setting
	for _, chunk := range []int{1, 7, 64, 512} {
		for _, cache := range []bool{false, true} {
			for _, blocks := range []int{roomy, tight} {
				for _, spec := range []int{0, 6} {
					for _, nodes := range []int{0, 1, 4} {
						name := fmt.Sprintf("chunk %d, cache %v, %d blocks, speculation %d, %d nodes", chunk, cache, blocks, spec, nodes)
						out = append(out, setting{name, chunk, cache, blocks, spec, nodes, 1 + len(out)%4, len(out) % 5, nodes == 4, func(engine.Stats) bool { return true }})
					}
				}
			}
		}
	}
	return out
}

// TestMetamorphic: 200 requests of every kind give the same bits one by one
// and under any load, cut, cache, shortage, guess, number of cores and of nodes; and
// again with other numerics, whose bits are others.
func TestMetamorphic(t *testing.T) {
	if testing.Short() {
		t.Skip("computes many requests under many settings: skipped by -short")
	}
	seed := *metaSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("replay with: go test ./internal/router/engine -run TestMetamorphic -metamorphic-seed %d", seed)
	w := newWeights(t, small, int64(seed>>1))
	words := mistral(t)
	asks := mix(rand.New(rand.NewPCG(seed, 0)), grammars(t, words), metamorphicAsks)

	want := oneByOne(t, w, words, asks)
	settings := chosen()
	eighth := settings[len(settings)-1:]
	if *long {
		settings, eighth = every(), settings
	}
	for _, s := range settings {
		t.Run(s.name, func(t *testing.T) { s.check(t, w, words, asks, want) })
	}
	w.numerics.KV, w.numerics.DenseActivation = tensor.KVInt8, tensor.BF16
	other := oneByOne(t, w, words, asks)
	if slices.Equal(other, want) {
		t.Error("a KV cache of int8 and dense activations of bf16 change nothing: they were not put to use")
	}
	for _, s := range eighth {
		t.Run("int8 KV, bf16 activations, "+s.name, func(t *testing.T) { s.check(t, w, words, asks, other) })
	}
}

// check asks everything in this setting.
func (s setting) check(t *testing.T, w *weights, words *tokenizer.Tokenizer, asks []ask, want []reply) {
	t.Helper()
	if s.cores > 0 {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(s.cores))
	}
	var script faulty.Script = func(moe.NodeID, int, *moe.Call) faulty.Fault { return faulty.Fault{} }
	if s.faults {
		script = func(_ moe.NodeID, nth int, _ *moe.Call) faulty.Fault {
			return faulty.Fault{Failing: nth%29 == 3, Fail: moe.Unreachable, After: nth%2 == 0, Twice: nth%17 == 5}
		}
	}
	e, stop := w.start(t, s.config(), s.nodes, script, s.parts)
	defer stop()
	together(t, e, words, asks, want)
	if stats := e.Stats(); isFull(asks) && !s.proves(stats) {
		t.Errorf("the setting was not put to use: %+v", stats)
	}
}

// isFull says whether there are requests enough for each setting to show what it is for.
func isFull(asks []ask) bool { return len(asks) >= 200 }

// oneByOne asks one after the other, with nothing to share or to guess.
func oneByOne(t *testing.T, w *weights, words *tokenizer.Tokenizer, asks []ask) []reply {
	t.Helper()
	e, stop := w.start(t, setting{chunk: 512, blocks: roomy}.config(), 0, nil, 0)
	defer stop()
	replies, ends, judged := make([]reply, len(asks)), map[engine.FinishReason]int{}, 0
	for i, a := range asks {
		var err error
		if replies[i], err = a.answer(t.Context(), e, words); err != nil {
			t.Fatal(err)
		}
		ends[replies[i].finish]++
		if a.json && replies[i].finish == engine.Stop && len(a.stops) == 0 && len(a.r.StopTokens) == 1 {
			judged++
			if !json.Valid([]byte(replies[i].text)) {
				t.Errorf("request %d is not JSON: %q", i, replies[i].text)
			}
		}
	}
	if few := len(asks) / 10; ends[engine.Stop] < few || ends[engine.Length] < few || judged == 0 && isFull(asks) {
		t.Errorf("answers end in %v, %d are JSON: the mix proves little", ends, judged)
	}
	return replies
}

// mistral is the tokenizer; the model's vocabulary is the beginning of its own.
func mistral(t *testing.T) *tokenizer.Tokenizer {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "tokenizer.model"), tokenizer.MistralV1(), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "tokenizer_config.json"), []byte(`{}`), 0o600); err != nil {
		t.Fatal(err)
	}
	words, err := tokenizer.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	return words
}
