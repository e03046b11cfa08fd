package e2e

import (
	"encoding/json"
	"testing"

	"github.com/hachi-serve/hachi/internal/bench/cluster"
	"github.com/hachi-serve/hachi/internal/bench/elasticity"
	"github.com/hachi-serve/hachi/internal/bench/failover"
	"github.com/hachi-serve/hachi/internal/bench/observe"
	"github.com/hachi-serve/hachi/internal/bench/placement"
	"github.com/hachi-serve/hachi/internal/bench/rpc"
	"github.com/hachi-serve/hachi/internal/freeport"
	"github.com/hachi-serve/hachi/test/e2e/internal/harness"
)

// bench runs a benchmark of the command and reads its report.
func bench(t *testing.T, report any, args ...string) {
	t.Helper()
	output := hachi.Output(t, append([]string{"bench"}, append(args, "--json")...)...)
	if err := json.Unmarshal(output, report); err != nil {
		t.Fatalf("%v in %s", err, output)
	}
}

// TestBenchCluster measures every variant, and with it compares their logits.
func TestBenchCluster(t *testing.T) {
	harness.Slow(t)
	t.Parallel()
	var report cluster.Report
	bench(t, &report, "cluster", "--model", hachi.Model, "--nodes", "2", "--listen", freeport.Address(t),
		"--sequences", "1,8", "--steps", "2", "--rounds", "1", "--against-plaintext", "--listen-plaintext", freeport.Address(t))
	if len(report.Results) != 8 {
		t.Fatalf("%d results of 2 numbers of sequences, want 8: %+v", len(report.Results), report)
	}
	for _, r := range report.Results {
		if !(r.TokensPerS > 0) || !(r.ToWhole > 0) {
			t.Errorf("%+v: want a rate and a ratio", r)
		}
	}
}

// TestBenchObserve guards and watches one of two clusters: metrics, traces and a console
// are read meanwhile.
func TestBenchObserve(t *testing.T) {
	harness.Slow(t)
	t.Parallel()
	var report observe.Report
	bench(t, &report, "observe", "--model", hachi.Model, "--nodes", "1", "--listen", freeport.Address(t), "--listen-bare", freeport.Address(t),
		"--admin-listen", freeport.Address(t), "--rounds", "1", "--streams", "2", "--answer", "8", "--trace-ratio", "1")
	if !(report.BareRate > 0) || !(report.WatchedRate > 0) || !(report.Ratio > 0) || report.Scrapes < 2 || report.Events == 0 {
		t.Errorf("%+v", report)
	}
}

// TestBenchPlacement asks the leader for the placements of every policy, and compares
// the logits by all of them.
func TestBenchPlacement(t *testing.T) {
	harness.Slow(t)
	var report placement.Report
	bench(t, &report, "placement", "--model", hachi.Model, "--nodes", "2", "--listen", freeport.Address(t),
		"--policies", "column,balanced,eplb", "--sequences", "16", "--warm-up", "4", "--steps", "2", "--rounds", "1")
	if len(report.Options) == 0 || len(report.Nodes) != 2 {
		t.Fatalf("no options of 3 policies on 2 nodes: %+v", report)
	}
	for _, o := range report.Options {
		if len(o.Rates) != 1 || !(o.Rates[0] > 0) || !(o.PlannedMS > 0) || len(o.Experts) != 2 || o.Experts[0]+o.Experts[1] != 32 {
			t.Errorf("%+v: want a rate, a plan and 32 experts", o)
		}
	}
}

// TestEveryRoleComesAndGoesUnderLoad: nodes join and leave, and every process of every
// role is restarted; the benchmark ends with an error when a request fails or an answer
// differs.
func TestEveryRoleComesAndGoesUnderLoad(t *testing.T) {
	harness.Slow(t)
	var report elasticity.Report
	bench(t, &report, "elasticity", "--model", hachi.Model, "--most", "4", "--final", "2", "--clients", "4", "--tokens", "8", "--calm", "0s",
		"--listen", freeport.Address(t), "--listen-second", freeport.Address(t))
	if len(report.Phases) != 7 || len(report.Joins) != 2 || report.Answers == 0 {
		t.Errorf("%d phases, %d joins, %d answers: want 7, 2 and some", len(report.Phases), len(report.Joins), report.Answers)
	}
}

// TestBenchFailoverDelay: late answers change no token, and a router that waits
// for them is slowed down by them.
func TestBenchFailoverDelay(t *testing.T) {
	harness.Slow(t)
	t.Parallel()
	var report failover.DelayReport
	bench(t, &report, "failover", "--fault", "delay", "--model", hachi.Model, "--nodes", "2", "--listen", freeport.Address(t),
		"--streams", "4", "--tokens", "32", "--repeat", "1", "--delay-fraction", "0.05", "--delay", "100ms")
	if report.Unhedged.Max < 100 {
		t.Errorf("no token waited for an answer that is 100 ms late: %+v", report)
	}
}

func TestBenchRPC(t *testing.T) {
	t.Parallel()
	var report rpc.Report
	bench(t, &report, "rpc", "--payload", "8", "--fan-out", "1,2", "--sequential", "1", "--pin", "none", "--rounds", "1", "--span", "5ms")
	if len(report.Results) != 8 {
		t.Errorf("%d results of 2 shapes, want 8: %+v", len(report.Results), report)
	}
}
