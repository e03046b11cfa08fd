package engine_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	"github.com/hachi-serve/hachi/internal/api/completion"
	"github.com/hachi-serve/hachi/internal/api/grpcapi"
	"github.com/hachi-serve/hachi/internal/gateway/balance"
	"github.com/hachi-serve/hachi/internal/gateway/remote"
	"github.com/hachi-serve/hachi/internal/router/engine"
	"github.com/hachi-serve/hachi/internal/router/sampler"
	"github.com/hachi-serve/hachi/internal/text/chat"
	"github.com/hachi-serve/hachi/internal/text/grammar"
	"github.com/hachi-serve/hachi/internal/text/tokenizer"
	"github.com/hachi-serve/hachi/internal/text/tool"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// question is a request of a client and, for a turn, the conversation.
type question struct {
	name string
	r    completion.Request
	turn *completion.Conversation
	chat string // template of the turn
}

// halves is a language of characters that the vocabulary writes in several tokens, and
// of the beginnings of a stop text.
const halves = `(鬱STOP|麤STO|STOP龘 ){4,6}`

// questions are of every kind.
func questions(words *tokenizer.Tokenizer) []question {
	var all []question
	add := func(name string, change func(*completion.Request)) {
		r := completion.Request{Request: engine.Request{
			Prompt: words.Prompt("The eight nodes answer, and the answer is: " + name), MaxTokens: 10, Logprobs: 2,
			Params: sampler.Params{Temperature: 1, Seed: uint64(len(all))},
		}}
		change(&r)
		all = append(all, question{name: name, r: r})
	}
	add("greedy, repeats itself", func(r *completion.Request) {
		r.Params, r.MaxTokens, r.Prompt = sampler.Params{}, 24, slices.Repeat(words.Prompt("one two"), 8)
	})
	add("seeded", func(*completion.Request) {})
	add("second choice", func(r *completion.Request) { r.Choice = 1 })
	add("no log probabilities", func(r *completion.Request) { r.Logprobs = -1 })
	add("repetition penalty", func(r *completion.Request) { r.Params = sampler.Params{RepetitionPenalty: 1.3} })
	add("frequency penalty", func(r *completion.Request) { r.Params = sampler.Params{FrequencyPenalty: 1.5} })
	add("presence penalty", func(r *completion.Request) { r.Params = sampler.Params{PresencePenalty: 1.5} })
	add("bias", func(r *completion.Request) { r.Params.LogitBias = map[int32]float64{400: 5.1, 500: 5.3, 600: -100} })
	add("top_k, top_p", func(r *completion.Request) { r.Params.TopK, r.Params.TopP = 40, 0.7 })
	add("min_p, typical_p", func(r *completion.Request) { r.Params.MinP, r.Params.TypicalP = 0.02, 0.8 })
	add("min_tokens", func(r *completion.Request) {
		r.Params.LogitBias, r.Params.MinTokens, r.StopTokens = map[int32]float64{400: 30, 401: 30, 402: 30}, 6, []int32{400}
	})
	add("log probabilities of the prompt", func(r *completion.Request) { r.PromptLogprobs = true })
	add("within characters", func(r *completion.Request) { r.Output, r.MaxTokens = completion.Regex("regex", halves), 26 })
	add("within stop texts", func(r *completion.Request) {
		r.Output, r.MaxTokens, r.Stop = completion.Regex("regex", halves), 26, []string{"STOP鬱", "STOP龘"}
	})
	add("JSON object", func(r *completion.Request) { r.Output = completion.JSONObject("o") })
	add("JSON Schema", func(r *completion.Request) { r.Output, r.NewText = completion.JSONSchema("o", []byte(schema)), true })
	add("unique items", func(r *completion.Request) { r.Output = completion.JSONSchema("o", []byte(record)) })
	add("choice", func(r *completion.Request) {
		r.Output = completion.OneOf("o", []string{"鬱 is one", "two and two", "three"})
	})

	get := tool.Tool{Name: "get", Parameters: []byte(schema)}
	find := tool.Tool{Name: "find_all", Parameters: []byte(`{"type":"object","properties":{"a":{"enum":["鬱","b"]}},"required":["a"]}`)}
	say := func(name, template string, c completion.Conversation) {
		c.Messages, c.Parallel = append([]chat.Message{{Role: "user", Content: name}}, c.Messages...), true
		r := engine.Request{MaxTokens: 16, Logprobs: 0, Params: sampler.Params{Temperature: 1, Seed: uint64(len(all))}}
		all = append(all, question{name, completion.Request{Request: r}, &c, template})
	}
	for _, template := range []string{"generic", "native_hermes"} {
		tools := []tool.Tool{get, find}
		say("tools, auto, "+template, template, completion.Conversation{Tools: tools})
		say("tools, required, "+template, template, completion.Conversation{Tools: tools, ToolChoice: tool.Choice{Mode: tool.Required}})
		say("tools, named, "+template, template, completion.Conversation{Tools: tools, ToolChoice: tool.Choice{Mode: tool.Named, Name: "find_all"}})
	}
	output := completion.JSONSchema("o", []byte(schema))
	say("reasoning and output", "native_hermes", completion.Conversation{Output: output})
	say("reasoning and tools", "native_hermes", completion.Conversation{Tools: []tool.Tool{find}})
	say("output continued", "native_hermes", completion.Conversation{Output: output, Continue: true, Messages: []chat.Message{{Role: "assistant", Content: `{"name"`}}})
	return all
}

// ask answers a question and writes down every bit that a client can see.
func (q question) ask(ctx context.Context, s completion.Service) (string, error) {
	r := q.r
	if q.turn != nil {
		turn, err := s.Prepare(ctx, *q.turn)
		if err != nil {
			return "", err
		}
		turn.Answers(&r)
	}
	reader, err := s.Completer.Start(ctx, r)
	if err != nil {
		return "", err
	}
	defer reader.Close()
	var bits strings.Builder
	var answer completion.Answer
	for {
		d, err := reader.Next(ctx)
		if err != nil {
			return "", err
		}
		answer.Add(d)
		for _, t := range slices.Concat(d.Prompt, d.Tokens) {
			fmt.Fprintf(&bits, "%d %v %d %x", t.Token, t.Prompt, t.Offset, math.Float32bits(t.Logprob))
			for _, top := range t.Top {
				fmt.Fprintf(&bits, " %d:%x", top.Token, math.Float32bits(top.Logprob))
			}
			bits.WriteByte('\n')
		}
		if d.Finish != engine.NotFinished {
			return fmt.Sprintf("%s%q %q %+v %s %q, %d tokens, %d of them reasoning", &bits, answer.Text.String(), answer.Reasoning.String(), answer.Calls,
				d.Finish, d.StopText, reader.Generated, reader.Reasoned), nil
		}
	}
}

// services are the API over an engine, by template.
func services(t *testing.T, words *tokenizer.Tokenizer, e completion.Engine) map[string]completion.Service {
	t.Helper()
	sources := map[string]string{"": chat.KarakuriTemplate, "generic": chat.KarakuriTemplate}
	hermes, err := os.ReadFile("../../text/chat/testdata/templates/native_hermes.jinja")
	if err != nil {
		t.Fatal(err)
	}
	sources["native_hermes"] = string(hermes)
	out := map[string]completion.Service{}
	for name, source := range sources {
		out[name] = completion.Service{
			Completer: &completion.Completer{Engine: e, Tokenizer: words, Context: small.MaxContext}, Template: chat.MustParse(source, words),
			Deadline: time.Minute, Fingerprint: "f",
		}
	}
	return out
}

// network is the way to two routers, on which every call dies after some tokens.
type network struct {
	words   *tokenizer.Tokenizer
	routers []hachiv1.InferenceServiceClient
	every   int // tokens; 0 is a random number of them

	mu          sync.Mutex // guards the fields below
	rng         *rand.Rand
	calls       int
	withinRunes int // calls that died within a character
	withinStops int // and within the beginning of a stop text
}

// GenerateTokens implements remote.Caller. Calls go to the routers in turn.
func (n *network) GenerateTokens(ctx context.Context, _ balance.Router, in *hachiv1.GenerateTokensRequest) (remote.Call, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	router := n.routers[n.calls%len(n.routers)]
	n.calls++
	left := n.every
	if left == 0 {
		left = n.rng.IntN(7)
	}
	n.note(in.GetAnswer())
	stream, err := router.GenerateTokens(ctx, in)
	return &dying{stream, left}, err
}

// note counts where the call before died.
func (n *network) note(answer []uint32) {
	var text []byte
	for _, t := range answer {
		text = append(text, n.words.TokenBytes(int32(t))...)
	}
	if !utf8.Valid(text) {
		n.withinRunes++
	}
	if strings.HasSuffix(string(text), "STOP") || strings.HasSuffix(string(text), "STO") {
		n.withinStops++
	}
}

// dying is a call that ends after a number of tokens, those of the prompt among them.
type dying struct {
	grpc.ServerStreamingClient[hachiv1.GenerateTokensResponse]
	left int
}

func (d *dying) Recv() (*hachiv1.GenerateTokensResponse, error) {
	if d.left == 0 {
		return nil, status.Error(codes.Unavailable, "the connection is gone")
	}
	m, err := d.ServerStreamingClient.Recv()
	if err != nil {
		return nil, err
	}
	prompt := min(d.left, len(m.GetPrompt()))
	tokens := min(d.left-prompt, len(m.GetTokens()))
	if prompt < len(m.GetPrompt()) || tokens < len(m.GetTokens()) {
		m.FinishReason = hachiv1.FinishReason_FINISH_REASON_UNSPECIFIED
	}
	m.Prompt, m.Tokens = m.GetPrompt()[:prompt], m.GetTokens()[:tokens]
	d.left -= prompt + tokens
	return m, nil
}

// serveRouter serves an engine as a router does, until the test ends.
func serveRouter(t *testing.T, s completion.Service) hachiv1.InferenceServiceClient {
	t.Helper()
	server, listener := grpc.NewServer(grpcapi.ServerOptions()...), bufconn.Listen(1<<16)
	hachiv1.RegisterInferenceServiceServer(server, grpcapi.New(s))
	served := make(chan error)
	go func() { served <- server.Serve(listener) }()
	dial := func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }
	conn, err := grpc.NewClient("passthrough:router", grpc.WithContextDialer(dial), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		err := conn.Close()
		server.Stop()
		if err = errors.Join(err, <-served); err != nil && !errors.Is(err, io.EOF) {
			t.Error(err)
		}
	})
	return hachiv1.NewInferenceServiceClient(conn)
}

// Probe implements remote.Caller: each router is back at once.
func (n *network) Probe(context.Context, balance.Router) error { return nil }

// fleet is the API over an engine whose answers are drawn by routers behind a network.
func fleet(t *testing.T, n *network) *remote.Engine {
	pool := remote.NewPool()
	var routers []balance.Router // many, because one that failed rests for a while
	for i := range 2000 {
		routers = append(routers, balance.Router{ID: fmt.Sprint(i), Addr: "router", Fingerprint: "f", Context: small.MaxContext})
	}
	pool.Update(routers)
	e := remote.New(remote.Config{
		Caller: n, Pool: pool, Model: balance.Model{Fingerprint: "f", Context: small.MaxContext}, Vocab: mistral(t).Vocab(), Silence: time.Minute, MaxRequests: 1000,
	})
	t.Cleanup(e.Stop)
	return e
}

// TestAnswersGoOnAtAnotherRouter: an answer of every kind whose router dies again and
// again, after every token and after any number of them, within characters and within
// stop texts, has the bits of an answer that one engine drew from begin to end. The
// routers differ in what must not matter: chunks, micro-batches, cache, speculation.
func TestAnswersGoOnAtAnotherRouter(t *testing.T) {
	if testing.Short() {
		t.Skip("computes some thousand tokens: skipped by -short")
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	words := mistral(t)
	cfg := small
	cfg.Vocab, cfg.Layers = words.Vocab(), 2
	w := newWeights(t, cfg, int64(seed>>1))
	grammars := completion.NewGrammars(words, grammar.DefaultLimits())
	start := func(s setting) (*engine.Engine, map[string]completion.Service) {
		e, stop := w.start(t, s.config(), 0, nil, s.parts)
		t.Cleanup(stop)
		return e, services(t, words, completion.Local{Engine: e, Grammars: grammars})
	}
	_, alone := start(setting{chunk: 512, blocks: roomy})
	all := questions(words)
	want := make([]string, len(all))
	for i, q := range all {
		var err error
		if want[i], err = q.ask(t.Context(), alone[q.chat]); err != nil {
			t.Fatalf("%s: %v", q.name, err)
		}
	}
	speculating, first := start(setting{chunk: 64, cache: true, blocks: roomy, spec: 6})
	_, second := start(setting{chunk: 48, blocks: roomy, parts: 2})
	routers := []hachiv1.InferenceServiceClient{serveRouter(t, first[""]), serveRouter(t, second[""])}
	for _, n := range []*network{
		{words: words, routers: routers, every: 1},
		{words: words, routers: routers, rng: rand.New(rand.NewPCG(seed, 1))},
	} {
		t.Run(fmt.Sprintf("every %d", n.every), func(t *testing.T) {
			clients := services(t, words, fleet(t, n))
			got, errs := make([]string, len(all)), make([]error, len(all))
			var asked sync.WaitGroup
			for i, q := range all {
				asked.Go(func() { got[i], errs[i] = q.ask(t.Context(), clients[q.chat]) })
			}
			asked.Wait()
			for i, q := range all {
				if errs[i] != nil {
					t.Errorf("%s: %v", q.name, errs[i])
				} else if got[i] != want[i] {
					t.Errorf("%s:\n%s\nalone:\n%s", q.name, got[i], want[i])
				}
			}
			t.Logf("%d calls, %d died within a character, %d within a stop text", n.calls, n.withinRunes, n.withinStops)
			if n.calls < 3*len(all) || n.every == 1 && (n.withinRunes < 5 || n.withinStops < 2) {
				t.Error("too few routers died within characters and stop texts: the test proves little")
			}
		})
	}
	if s := speculating.Stats(); s.PrefixHits == 0 || s.Drafted == 0 {
		t.Errorf("the settings were not put to use: %+v", s)
	}
}
