package scale

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"google.golang.org/grpc"

	"github.com/hachi-serve/hachi/internal/bench/cell"
	"github.com/hachi-serve/hachi/internal/bench/measure"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// load is a closed loop: each stream asks for its next answer when it has the last one.
// Tokens are drawn with seeds: the greedy answers of random weights repeat a few tokens,
// whose rows would all go to the same experts.
type load struct {
	client  hachiv1.InferenceServiceClient
	vocab   int
	seed    uint64
	setting cell.Setting
}

// answer is when the parts of one came.
type answer struct {
	asked time.Time
	came  []time.Time // one for each token
}

// firstToken and those above it are no special tokens.
const firstToken = 300

// prompt is another one for each answer of each run.
func (l load) prompt(run, stream, answer int) []uint32 {
	r := rand.New(rand.NewPCG(l.seed<<32|uint64(run), uint64(stream)<<32|uint64(answer)))
	ids := make([]uint32, l.setting.Prompt)
	first := min(firstToken, l.vocab-1)
	for i := range ids {
		ids[i] = uint32(first + r.IntN(l.vocab-first))
	}
	return ids
}

// run reads all answers of all streams; begun, unless it is nil, is called once each
// stream has begun.
func (l load) run(ctx context.Context, run int, begun func()) ([][]answer, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	out := make([][]answer, l.setting.Batch)
	var started, all sync.WaitGroup
	started.Add(l.setting.Batch)
	for i := range out {
		all.Go(func() {
			once := sync.OnceFunc(started.Done)
			defer once()
			for j := range l.setting.Answers {
				a, err := l.read(ctx, l.prompt(run, i, j), uint64(run)<<40|uint64(i)<<20|uint64(j), once)
				if err != nil {
					cancel(fmt.Errorf("stream %d: %w", i, err))
					return
				}
				out[i] = append(out[i], a)
			}
		})
	}
	if begun != nil {
		started.Wait()
		if ctx.Err() == nil {
			begun()
		}
	}
	all.Wait()
	return out, context.Cause(ctx)
}

// read reads one answer.
func (l load) read(ctx context.Context, prompt []uint32, seed uint64, begun func()) (a answer, err error) {
	a.asked = time.Now()
	stream, err := l.client.Generate(ctx, &hachiv1.GenerateRequest{
		Prompt:    &hachiv1.GenerateRequest_Tokens{Tokens: &hachiv1.TokenList{Ids: prompt}},
		MaxTokens: uint32(l.setting.Answer), Temperature: 1, Seed: seed, IgnoreEos: true,
	}, grpc.WaitForReady(true))
	if err != nil {
		return a, err
	}
	for {
		m, err := stream.Recv()
		if err != nil {
			return a, fmt.Errorf("after %d tokens: %w", len(a.came), err)
		}
		now := time.Now()
		for range m.GetTokens() {
			a.came = append(a.came, now)
		}
		if len(a.came) >= cell.Settled {
			begun()
		}
		if m.GetFinishReason() != hachiv1.FinishReason_FINISH_REASON_UNSPECIFIED {
			break
		}
	}
	if len(a.came) != l.setting.Answer {
		return a, fmt.Errorf("an answer of %d tokens, want %d", len(a.came), l.setting.Answer)
	}
	return a, nil
}

// summary is a round without what else was measured in it.
func summary(streams [][]answer) cell.Round {
	var first, gaps, total []time.Duration
	var from, to time.Time
	tokens := 0
	for _, answers := range streams {
		for _, a := range answers {
			if from.IsZero() || a.asked.Before(from) {
				from = a.asked
			}
			last := a.came[len(a.came)-1]
			if last.After(to) {
				to = last
			}
			tokens += len(a.came)
			first, total = append(first, a.came[0].Sub(a.asked)), append(total, last.Sub(a.asked))
			for i := 1; i < len(a.came); i++ {
				gaps = append(gaps, a.came[i].Sub(a.came[i-1]))
			}
		}
	}
	seconds := to.Sub(from).Seconds()
	return cell.Round{
		Seconds: seconds, Throughput: float64(tokens) / seconds,
		First: measure.LatencyOf(first), Gap: measure.LatencyOf(gaps), Total: measure.LatencyOf(total),
	}
}

// longest is the longest gap of each stream's answers that ends after a moment. Gaps
// between answers are not of an answer.
func longest(streams [][]answer, after time.Time) (out []time.Duration) {
	for _, answers := range streams {
		worst := time.Duration(0)
		for _, a := range answers {
			for i := 1; i < len(a.came); i++ {
				if a.came[i].After(after) {
					worst = max(worst, a.came[i].Sub(a.came[i-1]))
				}
			}
		}
		out = append(out, worst)
	}
	return out
}
