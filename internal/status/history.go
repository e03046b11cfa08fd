package status

import (
	"time"

	"github.com/hachi-serve/hachi/internal/journal"
)

const (
	// SampleEvery is the least time between two samples.
	SampleEvery = 10 * time.Second
	// KeepSamples bounds the history to a day.
	KeepSamples = int(24 * time.Hour / SampleEvery)
)

// Sample is a cluster during SampleEvery or longer.
type Sample struct {
	At time.Time
	// TokensPerSecond, and the quantiles of durations in seconds, are those of the
	// processes that clients call; a quantile is 0 if nothing was measured.
	TokensPerSecond    float32
	FirstP50, FirstP99 float32 // from a request's arrival to its first token
	NextP50, NextP99   float32 // from one token to the next
	Running, Waiting   int32   // requests
	KVUsage            float32 // of the router whose KV cache is fullest, 0 to 1
	Zero, One          int32   // experts with no and with one replica that answers
	Nodes              int32   // that answer
}

// counted is what was counted by the end of a sample.
type counted struct {
	at        time.Time
	processes []Process
}

// sample measures from an earlier count to a state. Only the parts of a process that
// was in both count, or of one that began meanwhile.
func sample(before counted, s State) Sample {
	edge := s.Edge()
	out := Sample{At: s.At, Nodes: int32(len(s.Answering()))}
	tokens, first, next := since(before.processes, edge)
	if seconds := s.At.Sub(before.at).Seconds(); !before.at.IsZero() && seconds > 0 {
		out.TokensPerSecond = float32(float64(tokens) / seconds)
	}
	quantile := func(l journal.Latencies, q float64) float32 { return float32(l.Quantile(q).Seconds()) }
	out.FirstP50, out.FirstP99 = quantile(first, 0.5), quantile(first, 0.99)
	out.NextP50, out.NextP99 = quantile(next, 0.5), quantile(next, 0.99)
	for _, p := range edge {
		out.Running += int32(p.Load)
	}
	for _, p := range s.Processes {
		out.Waiting += int32(p.Queue)
		out.KVUsage = max(out.KVUsage, float32(p.KVUsage))
	}
	for _, experts := range s.Replicas() {
		for _, n := range experts {
			switch n {
			case 0:
				out.Zero++
			case 1:
				out.One++
			}
		}
	}
	return out
}

// since adds what processes counted after an earlier count of them.
func since(before, now []Process) (tokens uint64, first, next journal.Latencies) {
	for _, p := range now {
		var old Process
		for _, b := range before {
			if b.isRun(p) {
				old = b
			}
		}
		if old.ID == "" && len(before) == 0 {
			continue // what it counted before this process looked at all
		}
		if p.Tokens >= old.Tokens {
			tokens += p.Tokens - old.Tokens
		}
		first, next = first.Plus(p.First.Since(old.First)), next.Plus(p.Next.Since(old.Next))
	}
	return tokens, first, next
}

// ring keeps the last of many values.
type ring[T any] struct {
	keep  int
	items []T
	at    int // of the oldest, once the ring is full
}

func (r *ring[T]) add(item T) {
	if len(r.items) < r.keep {
		r.items = append(r.items, item)
		return
	}
	r.items[r.at] = item
	r.at = (r.at + 1) % r.keep
}

// list are the values, the oldest first.
func (r *ring[T]) list() []T {
	return append(append(make([]T, 0, len(r.items)), r.items[r.at:]...), r.items[:r.at]...)
}
