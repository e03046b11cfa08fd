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

// stream is one answer as it came.
type stream struct {
	tokens []uint32
	times  []time.Time // one per message with tokens
}

// streams asks for n answers at once. begun is called once every stream has
// produced a few tokens.
type streams struct {
	client hachiv1.InferenceServiceClient
	n      int
	tokens int
}

// settled is how many tokens of every stream come before a fault: the prompts
// are computed by then.
const settled = 4

// request is the same for the same stream every time: half of them greedy, half
// sampled with a seed.
func (s streams) request(i int) *hachiv1.GenerateRequest {
	ids := []uint32{1}
	for j := range 16 + 7*i {
		ids = append(ids, uint32(300+(i*7919+j*104729)%20000))
	}
	return &hachiv1.GenerateRequest{
		Prompt: &hachiv1.GenerateRequest_Tokens{Tokens: &hachiv1.TokenList{Ids: ids}}, MaxTokens: uint32(s.tokens),
		Temperature: float32(i%2) * 0.8, Seed: uint64(i),
	}
}

// run reads all streams to their end.
func (s streams) run(ctx context.Context, begun func()) ([]stream, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	out := make([]stream, s.n)
	var started, all sync.WaitGroup
	started.Add(s.n)
	for i := range s.n {
		all.Go(func() {
			once := sync.OnceFunc(started.Done)
			defer once()
			if err := s.read(ctx, i, &out[i], once); err != nil {
				cancel(fmt.Errorf("stream %d after %d tokens: %w", i, len(out[i].tokens), err))
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
			return err
		}
		if len(m.GetTokens()) > 0 {
			out.tokens, out.times = append(out.tokens, m.GetTokens()...), append(out.times, time.Now())
		}
		if len(out.tokens) >= settled {
			begun()
		}
		if m.GetFinishReason() != hachiv1.FinishReason_FINISH_REASON_UNSPECIFIED {
			return nil
		}
	}
}

// gaps are the times between messages, from the moment on; all of them when it
// is zero.
func (s stream) gaps(from time.Time) []time.Duration {
	var out []time.Duration
	for i := 1; i < len(s.times); i++ {
		if s.times[i].After(from) {
			out = append(out, s.times[i].Sub(s.times[i-1]))
		}
	}
	return out
}

// differ says where the answers of two runs part.
func differ(got, want []stream) error {
	for i := range want {
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
