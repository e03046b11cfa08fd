package scale

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/hachi-serve/hachi/internal/bench/cell"
	"github.com/hachi-serve/hachi/internal/local"
)

// table is a configuration of 2 by 2 by 1 by 1 by 3 cells, one cluster of which cannot be.
func table(dir string) Config {
	c := Config{
		Up: local.DefaultUp(), Nodes: []int{1, 4}, Replicas: []int{1, 2}, Threads: []int{0}, MicroBatches: []int{0}, Batch: []int{1, 8, 32},
		Prompt: 32, Answer: 32, Tokens: 256, Rounds: 3, Out: dir,
	}
	c.Up.Model.Dir = "/models/small"
	return c
}

func TestClustersServeAllBatchesOfTheirShape(t *testing.T) {
	groups := table("d").clusters()
	if len(groups) != 3 {
		t.Fatalf("%d clusters, want 3: a node has no second replica", len(groups))
	}
	names := map[string]bool{}
	for _, g := range groups {
		for _, s := range g {
			names[s.Name()] = true
		}
	}
	if len(names) != 9 || !names["small-n4-r2-t0-b32"] {
		t.Errorf("files %v", names)
	}
	for i, want := range []int{8, 1, 1} { // 256 tokens of answers of 32
		if got := groups[0][i].Answers; got != want {
			t.Errorf("%d sequences write %d answers each, want %d", groups[0][i].Batch, got, want)
		}
	}
}

func TestEveryFaultOfATableIsNamed(t *testing.T) {
	c := table("")
	c.Nodes, c.Threads, c.Answer, c.Loss, c.Fault = []int{0}, nil, cell.Settled, 1, "flood"
	err := c.Validate()
	for _, want := range []string{"nodes", "threads", "tokens", "lost", "flood", "directory"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: want %q", err, want)
		}
	}
	if err := table("d").Validate(); err != nil {
		t.Error(err)
	}
}

// answered is an answer asked for at a second and with a token at each of some others.
func answered(asked float64, came ...float64) answer {
	at := func(s float64) time.Time { return time.Unix(0, int64(s*1e9)) }
	a := answer{asked: at(asked)}
	for _, s := range came {
		a.came = append(a.came, at(s))
	}
	return a
}

func TestRoundsCountFromTheFirstQuestionToTheLastToken(t *testing.T) {
	streams := [][]answer{{answered(1, 2, 2.5), answered(3, 3.5, 6)}, {answered(1, 1.5, 2)}}
	r := summary(streams)
	if r.Seconds != 5 || r.Throughput != 6.0/5 || r.First.Max != 1000 || r.Gap.Max != 2500 || r.Gap.P50 != 500 || r.Total.Max != 3000 {
		t.Errorf("%+v", r)
	}
	if got := longest(streams, time.Unix(2, 0)); got[0] != 2500*time.Millisecond || got[1] != 0 {
		t.Errorf("longest gaps after two seconds %v", got)
	}
}

func TestPartsAreWhatCountersGrewBy(t *testing.T) {
	before := counts{"hachi_steps_total": 10, `hachi_dispatch_call_duration_seconds_sum{node="a"}`: 1, `hachi_dispatch_call_duration_seconds_count{node="a"}`: 5,
		"hachi_dispatch_calls_total": 100}
	now := counts{"hachi_steps_total": 20, `hachi_dispatch_call_duration_seconds_sum{node="a"}`: 2, `hachi_dispatch_call_duration_seconds_count{node="a"}`: 10,
		`hachi_dispatch_call_duration_seconds_sum{node="b"}`: 1, `hachi_dispatch_call_duration_seconds_count{node="b"}`: 5,
		"hachi_dispatch_calls_total": 160, `hachi_layer_predicted_seconds{part="experts"}`: 0.002}
	p := now.since(before)
	if p.Steps != 10 || p.Calls != 6 || math.Abs(p.Call-200) > 1e-9 || p.LayerExpertsMS != 2 || p.Step != 0 {
		t.Errorf("%+v", p)
	}
}
