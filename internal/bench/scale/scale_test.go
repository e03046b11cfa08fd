package scale

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

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

func TestSettingsThatDifferHaveFilesOfTheirOwn(t *testing.T) {
	base := Setting{Model: "m", Nodes: 2, Replicas: 1, Batch: 4}
	seen := map[string]int{base.Name(): 0}
	for i, change := range []func(*Setting){
		func(s *Setting) { s.Model = "n" }, func(s *Setting) { s.Quantize = "int8" }, func(s *Setting) { s.Nodes = 3 }, func(s *Setting) { s.Replicas = 2 },
		func(s *Setting) { s.Threads = 1 }, func(s *Setting) { s.Batch = 5 }, func(s *Setting) { s.MicroBatches = 2 }, func(s *Setting) { s.DelayMS = 1 },
		func(s *Setting) { s.Loss = 0.1 }, func(s *Setting) { s.Fault = "kill" },
	} {
		s := base
		change(&s)
		if j, ok := seen[s.Name()]; ok {
			t.Errorf("changes %d and %d have the name %s", i+1, j, s.Name())
		}
		seen[s.Name()] = i + 1
	}
}

func TestEveryFaultOfATableIsNamed(t *testing.T) {
	c := table("")
	c.Nodes, c.Threads, c.Answer, c.Loss, c.Fault = []int{0}, nil, Settled, 1, "flood"
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

func TestCellsAreReadAsTheyWereWritten(t *testing.T) {
	dir := t.TempDir()
	want := Cell{
		Version: version, Setting: Setting{Model: "m", Nodes: 2, Replicas: 1, Batch: 4}, Config: json.RawMessage(`{}`), Machine: Machine{Cores: 2},
		Rounds: []Round{{Throughput: 3, Stalls: []float64{1, 5}}, {Throughput: 9}, {Throughput: 5}},
	}
	want.sumUp()
	if want.Result.Throughput != 5 || want.Result.Stall.Max != 5 {
		t.Errorf("%+v", want.Result)
	}
	if done, err := want.Setting.measured(dir); done || err != nil {
		t.Fatalf("measured %v before it was: %v", done, err)
	}
	if err := want.write(dir); err != nil {
		t.Fatal(err)
	}
	if done, err := want.Setting.measured(dir); !done || err != nil {
		t.Fatalf("measured %v after it was: %v", done, err)
	}
	cells, err := Read(dir)
	if err != nil || len(cells) != 1 || cells[0].Result != want.Result || cells[0].Setting != want.Setting {
		t.Errorf("%+v, %v", cells, err)
	}
	for text, why := range map[string]string{
		`{"version": 1, "wishes": 3}`: "wishes", `{"version": 7}`: "version 7", `{"version": 1}`: "rounds", `{`: "EOF",
	} {
		path := filepath.Join(t.TempDir(), "cell.json")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadCell(path); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %v, want %q", text, err, why)
		}
	}
}

func TestPartsAreWhatCountersGrewBy(t *testing.T) {
	before := counts{"hachi_steps_total": 10, `hachi_dispatch_call_duration_seconds_sum{node="a"}`: 1, `hachi_dispatch_call_duration_seconds_count{node="a"}`: 5,
		"hachi_dispatch_calls_total": 100, `hachi_expert_rows_total{expert="1",layer="2"}`: 7}
	now := counts{"hachi_steps_total": 20, `hachi_dispatch_call_duration_seconds_sum{node="a"}`: 2, `hachi_dispatch_call_duration_seconds_count{node="a"}`: 10,
		`hachi_dispatch_call_duration_seconds_sum{node="b"}`: 1, `hachi_dispatch_call_duration_seconds_count{node="b"}`: 5,
		"hachi_dispatch_calls_total": 160, `hachi_expert_rows_total{expert="1",layer="2"}`: 9, `hachi_layer_predicted_seconds{part="experts"}`: 0.002}
	p := now.since(before)
	if p.Steps != 10 || p.Calls != 6 || math.Abs(p.Call-200) > 1e-9 || p.LayerExpertsMS != 2 || p.Step != 0 {
		t.Errorf("%+v", p)
	}
	if r := now.routing(before); len(r) != 3 || r[2][1] != 2 || len(r[0]) != 0 {
		t.Errorf("%v", r)
	}
}
