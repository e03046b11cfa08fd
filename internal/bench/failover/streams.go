package failover

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc"

	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// stream is one request and what came.
type stream struct {
	tokens []uint32
	body   string        // of an answer of HTTP, without what differs between calm runs
	tracks [][]time.Time // of each answer that is streamed, when its parts came
}

// streams asks for n answers at once. begun is called once every stream has
// produced a few tokens.
type streams struct {
	client hachiv1.InferenceServiceClient
	n      int
	tokens int
	vocab  int
}

// settled is how many tokens of every gRPC stream come before a fault: the prompts are
// computed by then. The latency of an undisturbed run, of any load, begins after them.
const settled = 4

// Tokens of prompts are drawn from those behind the special ones.
const firstToken, drawnTokens = 300, 20000

// promptTokens is how many tokens the prompt of a stream has, with the one that begins it.
func promptTokens(i int) int { return 17 + 7*i }

// request is the same for the same stream every time: half of them greedy, half
// sampled with a seed.
func (s streams) request(i int) *hachiv1.GenerateRequest {
	first, drawn := firstToken, min(drawnTokens, s.vocab-firstToken)
	if drawn < 1 {
		first, drawn = 0, s.vocab
	}
	ids := []uint32{1}
	for j := range promptTokens(i) - 1 {
		ids = append(ids, uint32(first+(i*7919+j*104729)%drawn))
	}
	return &hachiv1.GenerateRequest{
		Prompt: &hachiv1.GenerateRequest_Tokens{Tokens: &hachiv1.TokenList{Ids: ids}}, MaxTokens: uint32(s.tokens),
		Temperature: float32(i%2) * 0.8, Seed: uint64(i),
	}
}

// run reads all streams to their end.
func (s streams) run(ctx context.Context, begun func()) ([]stream, error) {
	return together(ctx, s.n, begun, s.read)
}

// together reads n streams at once. begun is called once each has begun.
func together(ctx context.Context, n int, begun func(), read func(ctx context.Context, i int, out *stream, begun func()) error) ([]stream, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	out := make([]stream, n)
	var started, all sync.WaitGroup
	started.Add(n)
	for i := range n {
		all.Go(func() {
			once := sync.OnceFunc(started.Done)
			defer once()
			if err := read(ctx, i, &out[i], once); err != nil {
				cancel(fmt.Errorf("stream %d: %w", i, err))
			}
		})
	}
	started.Wait()
	if ctx.Err() == nil && begun != nil {
		begun()
	}
	all.Wait()
	return out, context.Cause(ctx)
}

func (s streams) read(ctx context.Context, i int, out *stream, begun func()) error {
	answer, err := s.client.Generate(ctx, s.request(i), grpc.WaitForReady(true))
	if err != nil {
		return err
	}
	for {
		m, err := answer.Recv()
		if err != nil {
			return fmt.Errorf("after %d tokens: %w", len(out.tokens), err)
		}
		if len(m.GetTokens()) > 0 {
			out.tokens = append(out.tokens, m.GetTokens()...)
			out.came(0, time.Now())
		}
		if len(out.tokens) >= settled {
			begun()
		}
		if m.GetFinishReason() != hachiv1.FinishReason_FINISH_REASON_UNSPECIFIED {
			return nil
		}
	}
}

// came notes a part of an answer.
func (s *stream) came(answer int, at time.Time) {
	for len(s.tracks) <= answer {
		s.tracks = append(s.tracks, nil)
	}
	s.tracks[answer] = append(s.tracks[answer], at)
}

// gaps are the times between parts of each answer but the first few, from the moment
// on; all of them when it is zero.
func (s stream) gaps(from time.Time, skip int) []time.Duration {
	var out []time.Duration
	for _, times := range s.tracks {
		for i := 1 + skip; i < len(times); i++ {
			if times[i].After(from) {
				out = append(out, times[i].Sub(times[i-1]))
			}
		}
	}
	return out
}

// differ says where the answers of two runs part.
func differ(got, want []stream) error {
	for i := range want {
		if got[i].body != want[i].body {
			return fmt.Errorf("request %d: the answer differs from the undisturbed run:\n%s\nwant\n%s", i, got[i].body, want[i].body)
		}
		if !slices.Equal(got[i].tokens, want[i].tokens) {
			n := 0
			for n < min(len(got[i].tokens), len(want[i].tokens)) && got[i].tokens[n] == want[i].tokens[n] {
				n++
			}
			return fmt.Errorf("stream %d: token %d differs from the undisturbed run (%d and %d tokens)", i, n, len(got[i].tokens), len(want[i].tokens))
		}
	}
	return nil
}
