package calibrate

import (
	"fmt"
	"io"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/hachi-serve/hachi/internal/bench/cell"
	"github.com/hachi-serve/hachi/internal/bench/measure"
	"github.com/hachi-serve/hachi/internal/sim"
	"github.com/hachi-serve/hachi/internal/sim/machine"
	"github.com/hachi-serve/hachi/internal/sim/scenario"
	"github.com/hachi-serve/hachi/internal/sim/trace"
)

// Gaps are what bench failover measures of the gaps between tokens, milliseconds.
type Gaps struct {
	Calm    measure.Latency `json:"undisturbed_itl"`
	Longest measure.Latency `json:"longest_gap_after_fault"` // of each stream
	Stall   measure.Latency `json:"stall"`
	// Wait is by how much a longest gap is longer than the median undisturbed one: what a
	// reader waits beyond the usual. The median is known better than the p99 of a Stall.
	Wait measure.Latency `json:"longest_gap_less_median"`
}

// Failover is a bench failover beside its simulation.
type Failover struct {
	Kills     int  `json:"kills"`
	Measured  Gaps `json:"measured"`
	Simulated Gaps `json:"simulated"`
}

// failover simulates the kills of reports, one cluster after another, and puts the gaps of
// all of them together; nil if there are none. All streams wait for the same step, so the p99
// of some kills is the worst of them: the simulated one is the median of simulations of as
// many kills.
func (f Fit) failover(reports []cell.Failover) (*Failover, error) {
	if len(reports) == 0 {
		return nil, nil
	}
	var out Failover
	var measured parts
	for _, r := range reports {
		s := r.Scene
		if s == nil {
			return nil, fmt.Errorf("bench failover of %q has no scene: want one with --fault kill", r.Fault)
		}
		out.Kills += len(s.Restarts)
		measured.add(r.Calm, gapsOf(s.Longest), gapsOf(r.Stalls))
	}
	simulated := make([]Gaps, killSeeds)
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i := range simulated {
		group.Go(func() (err error) {
			simulated[i], err = f.killAll(reports, uint64(i)+1)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, fmt.Errorf("bench failover: %w", err)
	}
	out.Measured, out.Simulated = measured.sum(), medianGaps(simulated)
	return &out, nil
}

// killSeeds is how often the kills of reports are simulated.
const killSeeds = 15

// killAll simulates the kills of reports once.
func (f Fit) killAll(reports []cell.Failover, seed uint64) (Gaps, error) {
	var all parts
	for _, r := range reports {
		calm, after, err := f.kills(r.Scene, seed)
		if err != nil {
			return Gaps{}, err
		}
		all.add(calm, after, measure.Beyond(after, measure.FromMilliseconds(calm.P99)))
	}
	return all.sum(), nil
}

// medianGaps has the median of each percentile.
func medianGaps(all []Gaps) Gaps {
	of := func(f func(Gaps) measure.Latency) measure.Latency {
		values := make([]measure.Latency, len(all))
		for i, g := range all {
			values[i] = f(g)
		}
		return measure.MedianLatency(values)
	}
	return Gaps{
		of(func(g Gaps) measure.Latency { return g.Calm }), of(func(g Gaps) measure.Latency { return g.Longest }),
		of(func(g Gaps) measure.Latency { return g.Stall }), of(func(g Gaps) measure.Latency { return g.Wait }),
	}
}

// startOf is what a start takes, the median of reports, microseconds.
func startOf(reports []cell.Failover) float64 {
	var all []float64
	for _, r := range reports {
		if r.Scene != nil {
			all = append(all, r.Scene.Start*1e6)
		}
	}
	return measure.Median(all)
}

// parts are the gaps of several clusters.
type parts struct {
	calm                 []measure.Latency
	longest, stall, wait []time.Duration
}

func (p *parts) add(calm measure.Latency, longest, stall []time.Duration) {
	p.calm, p.longest, p.stall = append(p.calm, calm), append(p.longest, longest...), append(p.stall, stall...)
	p.wait = append(p.wait, measure.Beyond(longest, measure.FromMilliseconds(calm.P50))...)
}

func (p *parts) sum() Gaps {
	return Gaps{measure.MedianLatency(p.calm), measure.LatencyOf(p.longest), measure.LatencyOf(p.stall), measure.LatencyOf(p.wait)}
}

// kills simulates a measurement: after a run that warms up an undisturbed one, then one with a
// kill, and so on. Nodes are killed in turn.
func (f Fit) kills(s *cell.Scene, seed uint64) (calm measure.Latency, longest []time.Duration, err error) {
	cluster, err := scene{s.Setting, s.Config, s.Machine, s.Routing, "column", true}.scenario()
	if err != nil {
		return calm, nil, err
	}
	cluster.Seed = seed
	m := f.machineOf(s.Machine.Cores, s.Limits)
	if !s.RealTime {
		m.Others = machine.Others{}
	}
	load := sim.Load{Machine: m, Options: sim.Options{Limit: time.Hour, Users: s.Setting.Batch, Settled: cell.Settled, Keep: true}}
	for _, prompt := range s.Prompts {
		load.Requests = append(load.Requests, trace.Request{Prompt: prompt, Answer: s.Setting.Answer})
	}
	loads := []sim.Load{load}
	for i, after := range s.Restarts {
		killed := load
		killed.Faults = []scenario.Fault{{
			Kind: scenario.Kill, Targets: []string{fmt.Sprintf("expert-%d", i%s.Setting.Nodes)}, For: time.Duration(after * float64(time.Second)),
		}}
		loads = append(loads, load, killed)
	}
	reports, err := run(cluster, f.networkOf(s.Setting), loads)
	if err != nil {
		return calm, nil, err
	}
	var gaps []time.Duration
	var kills []sim.Report
	for i := 1; i < len(reports); i += 2 {
		gaps, kills = append(gaps, settledGaps(reports[i])...), append(kills, reports[i+1])
	}
	return measure.LatencyOf(gaps), longestAfter(kills), nil
}

// settledGaps are the gaps of answers that have begun.
func settledGaps(r sim.Report) (out []time.Duration) {
	for _, a := range r.Answers {
		for i := cell.Settled; i < len(a); i++ {
			out = append(out, a[i]-a[i-1])
		}
	}
	return out
}

// longestAfter is the longest gap of each answer that ends after the faults of its run.
func longestAfter(reports []sim.Report) (out []time.Duration) {
	for _, r := range reports {
		for _, a := range r.Answers {
			longest := time.Duration(0)
			for i := 1; i < len(a); i++ {
				if a[i] > r.Struck {
					longest = max(longest, a[i]-a[i-1])
				}
			}
			out = append(out, longest)
		}
	}
	return out
}

func gapsOf(milliseconds []float64) (out []time.Duration) {
	for _, ms := range milliseconds {
		out = append(out, measure.FromMilliseconds(ms))
	}
	return out
}

// writeText writes the gaps of measured and simulated kills.
func (f *Failover) writeText(out io.Writer) {
	fmt.Fprintf(out, "\n%d kills\tp50\tsimulated\tp99\tsimulated\t\n", f.Kills)
	for _, row := range []struct {
		name                string
		measured, simulated measure.Latency
	}{
		{"undisturbed ITL", f.Measured.Calm, f.Simulated.Calm},
		{"longest gap after the kill", f.Measured.Longest, f.Simulated.Longest},
		{"stall", f.Measured.Stall, f.Simulated.Stall},
		{"longest gap less the median ITL", f.Measured.Wait, f.Simulated.Wait},
	} {
		fmt.Fprintf(out, "%s\t%.1f ms\t%.1f ms\t%.1f ms\t%.1f ms\t\n", row.name, row.measured.P50, row.simulated.P50, row.measured.P99, row.simulated.P99)
	}
}
