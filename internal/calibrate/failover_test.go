package calibrate

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/hachi-serve/hachi/internal/bench/cell"
	"github.com/hachi-serve/hachi/internal/bench/measure"
	"github.com/hachi-serve/hachi/internal/sim"
	"github.com/hachi-serve/hachi/internal/sim/machine"
)

// TestKillsAreSimulated: as many as were measured, each under all streams.
func TestKillsAreSimulated(t *testing.T) {
	f, err := initial(benchmarks())
	if err != nil {
		t.Fatal(err)
	}
	one := cellOf(2, 4)
	one.Setting.Replicas, one.Setting.Answer = 2, 60
	r := cell.Failover{
		Fault: "kill", Calm: measure.Latency{P50: 3, P99: 5}, Stalls: []float64{0, 2},
		Scene: &cell.Scene{
			Setting: one.Setting, Prompts: []int{17, 24, 31, 38}, Config: json.RawMessage(config), Machine: one.Machine, Limits: one.Result.Limits,
			Routing: one.Routing, Restarts: []float64{0.01, 0.02}, Start: 0.1, Longest: []float64{5, 7},
		},
	}
	f.Start = startOf([]cell.Failover{r})
	got, err := f.failover([]cell.Failover{r})
	if err != nil {
		t.Fatal(err)
	}
	if got.Kills != 2 || got.Measured.Longest.Max != 7 || got.Measured.Wait.Max != 4 || got.Measured.Calm.P50 != 3 || got.Simulated.Calm.P50 <= 0 || got.Simulated.Longest.P50 <= got.Simulated.Calm.P50 {
		t.Errorf("%+v", got)
	}
	var text bytes.Buffer
	got.writeText(&text)
	if !strings.Contains(text.String(), "2 kills") {
		t.Error(text.String())
	}
	f.Others = machine.Others{Every: 50 * time.Millisecond, For: 30 * time.Millisecond, Idle: 1}
	fair, err := f.failover([]cell.Failover{r})
	r.Scene.RealTime = true
	strict, err2 := f.failover([]cell.Failover{r})
	if err != nil || err2 != nil || fair.Simulated != got.Simulated || strict.Simulated.Longest.Max < 30 {
		t.Errorf("other work waits for processes of real time only: %+v, %+v: %v, %v", fair, strict, err, err2)
	}
	r.Scene = nil
	if _, err := f.failover([]cell.Failover{r}); err == nil {
		t.Error("a file without a scene is simulated")
	}
	if none, err := f.failover(nil); none != nil || err != nil {
		t.Errorf("no file: %v, %v", none, err)
	}
}

// TestStallsAreLongestGapsLessACalmOne: gaps that end before the fault do not count.
func TestStallsAreLongestGapsLessACalmOne(t *testing.T) {
	ms := func(n int) time.Duration { return time.Duration(n) * time.Millisecond }
	r := sim.Report{Struck: ms(30), Answers: []sim.Answer{{ms(0), ms(20), ms(31), ms(36)}, {ms(25), ms(29), ms(33)}}}
	longest := longestAfter([]sim.Report{r})
	if len(longest) != 2 || longest[0] != ms(11) || longest[1] != ms(4) {
		t.Fatalf("the longest gaps are %v, want 11 and 4 ms", longest)
	}
	if got := measure.Beyond(longest, ms(5)); got[0] != 0 || got[1] != ms(6) {
		t.Errorf("stalls are %v, want 0 and 6 ms", got)
	}
}
