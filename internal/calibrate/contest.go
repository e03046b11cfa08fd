package calibrate

import (
	"encoding/json"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/hachi-serve/hachi/internal/bench/cell"
	"github.com/hachi-serve/hachi/internal/bench/measure"
	"github.com/hachi-serve/hachi/internal/coordinator/planner"
	"github.com/hachi-serve/hachi/internal/sim"
	"github.com/hachi-serve/hachi/internal/sim/machine"
	"github.com/hachi-serve/hachi/internal/sim/scenario"
	"github.com/hachi-serve/hachi/internal/sim/trace"
	"github.com/hachi-serve/hachi/moe"
)

// Decided is a contest beside its simulation.
type Decided struct {
	Name    string `json:"name"`
	Options int    `json:"options"`
	Ties    int    `json:"ties"` // options that are as good as the measured best
	// What is best, and the measured rate of both, tokens per second.
	Measured      string  `json:"measured_best"`
	Simulated     string  `json:"simulated_best"`
	MeasuredRate  float64 `json:"measured_best_tokens_per_s"`
	SimulatedRate float64 `json:"simulated_best_tokens_per_s"`
	Same          bool    `json:"same"` // the simulated best is as good
	Loss          float64 `json:"loss"` // of it, as a share
	// Rates are the simulated ones of all options.
	Rates []float64 `json:"simulated_tokens_per_s"`
}

// decideAll simulates the options of contests on all cores. arithmetic is what the machine
// gave the cells of the fit, Gop/s.
func (f Fit) decideAll(all []cell.Contest, arithmetic float64) ([]Decided, error) {
	out := make([]Decided, len(all))
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i := range all {
		group.Go(func() error {
			rates, err := f.contest(&all[i], arithmetic)
			if err != nil {
				return fmt.Errorf("%s: %w", all[i].Name, err)
			}
			out[i] = decided(&all[i], rates)
			return nil
		})
	}
	return out, group.Wait()
}

// decided compares the best options.
func decided(c *cell.Contest, rates []float64) Decided {
	best, ties, choice := c.Best(), c.Ties(), choose(rates)
	return Decided{
		Name: c.Name, Options: len(c.Options), Ties: len(ties), Measured: c.Options[best].Name(), Simulated: c.Options[choice].Name(),
		MeasuredRate: c.Options[best].Rate(), SimulatedRate: c.Options[choice].Rate(), Same: slices.Contains(ties, choice), Loss: max(0, c.Loss(choice)), Rates: rates,
	}
}

// undecided is by how much a simulated option may be slower than the best one and be taken: the
// simulation cannot tell them apart.
const undecided = 0.01

// choose is the first of the options that are as good as the best, by the simulation: those
// of a contest begin with the plainest.
func choose(rates []float64) int {
	best := slices.Max(rates)
	return slices.IndexFunc(rates, func(r float64) bool { return r >= (1-undecided)*best })
}

// seeds are of the runs whose medians a prediction has.
const seeds = 3

// decoded is how many tokens each sequence decodes.
const decoded = 24

// contest simulates the options of a contest, tokens per second. Nodes measure their speeds
// first, with one replica of each expert by column, as those of bench placement do. A
// machine that is shared may give less arithmetic than it gave the cells of the fit.
func (f Fit) contest(c *cell.Contest, arithmetic float64) ([]float64, error) {
	s, err := contestScenario(c)
	if err != nil {
		return nil, err
	}
	m := f.machineOf(c.Machine.Cores, c.Limits)
	slower := min(1, c.Limits.FMA/arithmetic)
	for format := range m.Rates {
		m.Rates[format] *= slower
	}
	m.Fallback *= slower
	m.Step, m.Draw, m.Others = 0, 0, machine.Others{} // there is no engine, and nothing else runs
	s.Network, s.Routers.Machine = f.networkOf(cell.Setting{DelayMS: c.DelayMS}), m
	for i := range s.Nodes {
		s.Nodes[i].Machine = m
	}
	speeds := make([]planner.Speed, len(c.Nodes))
	known, err := decode(s, c, cell.Option{Policy: string(planner.Column), Replicas: 1, MicroBatches: c.Options[0].MicroBatches}, speeds, 1)
	if err != nil {
		return nil, err
	}
	for i, n := range known.Nodes {
		speeds[i] = planner.Speed{Expert: n.ExpertSeconds, Row: n.RowSeconds}
	}
	var out []float64
	for _, o := range c.Options {
		var rates []float64
		for seed := range uint64(seeds) {
			r, err := decode(s, c, o, speeds, seed+1)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", o.Name(), err)
			}
			rates = append(rates, r.Steps.Rows/r.Steps.Total*1e3)
		}
		out = append(out, measure.Median(rates))
	}
	return out, nil
}

// decode simulates an option on nodes of known speeds.
func decode(s scenario.Scenario, c *cell.Contest, o cell.Option, speeds []planner.Speed, seed uint64) (sim.Report, error) {
	s.Seed, s.Replicas, s.Redundant, s.Routers.MicroBatches = seed, o.Replicas, c.Redundant, o.MicroBatches
	shards := place(s.Shape.Config.Topology(), s.Shape.Config.TopK, c, o, speeds)
	s.Nodes = slices.Clone(s.Nodes)
	for i := range s.Nodes {
		s.Nodes[i].Assigned = shards[s.Nodes[i].ID]
	}
	requests := make([]trace.Request, c.Sequences)
	for i := range requests {
		requests[i] = trace.Request{Prompt: max(1, c.Context-decoded/2), Answer: decoded}
	}
	return sim.Run(&s, requests, sim.Options{Limit: time.Hour, Users: c.Sequences, Warm: requests})
}

// place is what the leader plans for an option, when it knows load and speeds and every
// node holds every expert.
func place(t moe.Topology, topK int, c *cell.Contest, o cell.Option, speeds []planner.Speed) map[moe.NodeID]moe.Shard {
	var all moe.Shard
	for _, id := range t.All() {
		all = append(all, id)
	}
	in := planner.Input{Policy: planner.Policy(o.Policy), Topology: t, Replicas: o.Replicas, Redundant: c.Redundant}
	for i, name := range c.Nodes {
		in.Nodes = append(in.Nodes, planner.Node{ID: moe.NodeID(name), Capacity: -1, Assigned: all, Resident: all, Speed: speeds[i]})
	}
	if in.Policy != planner.Column {
		in.Load, in.StepRows = slices.Concat(c.Routing...), float64(c.Sequences*topK)
		in.Moves = planner.Moves{Max: -1, Gain: planner.MinGain}
		for layer := range t.Layers() {
			in.Moves.Layers = append(in.Moves.Layers, layer)
		}
	}
	return planner.Compute(in).Shards
}

// contestScenario is the cluster of a contest, on a machine whose numbers are a Fit's.
func contestScenario(c *cell.Contest) (scenario.Scenario, error) {
	var nodes []string
	for i, name := range c.Nodes {
		quota := ""
		if len(c.Cores) > 0 {
			quota = fmt.Sprintf(", quota: {cores: %g, period: %v}", c.Cores[i], cell.QuotaPeriod)
		}
		nodes = append(nodes, fmt.Sprintf("{name: %s, machine: this, host: this, threads: %d%s}", name, c.NodeThreads, quota))
	}
	routing, err := json.Marshal(c.Routing)
	if err != nil {
		return scenario.Scenario{}, err
	}
	return scenarioOf(c.Config, routing, fmt.Sprintf(`seed: 1
model: {config: config.json, quantize: %q}
%s
routers: {machine: this, host: this, threads: %d, prefixCache: false, maxNumSeqs: %d, maxQueuedRequests: %d, maxStepTokens: 16384}
nodes: [%s]
placement: {policy: balanced}
routing: {kind: counts, file: routing.json}
`, c.Quantize, machineText(c.Machine.Cores), c.RouterThreads, c.Sequences, c.Sequences, strings.Join(nodes, ", ")))
}
