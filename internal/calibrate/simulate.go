package calibrate

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/hachi-serve/hachi/internal/bench/cell"
	"github.com/hachi-serve/hachi/internal/bench/measure"
	"github.com/hachi-serve/hachi/internal/sim"
	"github.com/hachi-serve/hachi/internal/sim/scenario"
	"github.com/hachi-serve/hachi/internal/sim/trace"
)

// subject is a cell and its scenario.
type subject struct {
	cell     cell.Cell
	scenario scenario.Scenario
}

// seeds are of the runs whose medians a prediction has, as a cell has those of rounds.
const seeds = 3

// restart is from a kill until the node's next process is registered: local.Cluster waits
// a while, and the process opens its checkpoint.
const restart = 1500 * time.Millisecond

// subjectOf derives a scenario from a cell and nothing else. A machine that every process shares is
// in it; its numbers are a Fit's.
func subjectOf(c cell.Cell) (s subject, err error) {
	routing, err := json.Marshal(c.Routing)
	if err != nil {
		return s, err
	}
	v := c.Setting
	cluster := fmt.Sprintf(`seed: 1
model: {config: config.json, quantize: %q}
%s
routers: {machine: this, host: this, threads: %d, prefixCache: false, microBatches: %d}
nodes: [{name: expert, count: %d, machine: this, host: this, threads: %d}]
placement: {policy: balanced, replicas: %d}
routing: {kind: counts, file: routing.json}
`, v.Quantize, machineText(c.Machine.Cores), v.RouterThreads, v.MicroBatches, v.Nodes, v.NodeThreads, v.Replicas)
	if v.Fault == cell.Kill {
		cluster += fmt.Sprintf("faults: [{at: 0s, kill: expert-0, for: %v}]\n", restart)
	}
	read, err := scenarioOf(c.Config, routing, cluster)
	if err != nil {
		return s, fmt.Errorf("cell %s: %w", v.Name(), err)
	}
	return subject{c, read}, nil
}

// machineText are the sections of a machine and a network whose numbers are a Fit's.
func machineText(cores int) string {
	return fmt.Sprintf(`machines: {this: {cores: %d, memory: 1Ti, bandwidth: 1Gi, arithmetic: {f32: 1e12}, load: 1Gi}}
network: {latency: {p50: 1ms}, bandwidth: 1Gi}`, cores)
}

// scenarioOf reads a cluster file beside config.json and routing.json.
func scenarioOf(config, routing []byte, cluster string) (s scenario.Scenario, err error) {
	dir, err := os.MkdirTemp("", "hachi-calibrate")
	if err != nil {
		return s, err
	}
	defer os.RemoveAll(dir)
	for name, text := range map[string][]byte{"config.json": config, "routing.json": routing, "cluster.yaml": []byte(cluster)} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			return s, err
		}
	}
	read, err := scenario.Read(filepath.Join(dir, "cluster.yaml"))
	if err != nil {
		return s, err
	}
	return *read, nil
}

// predict simulates a cell.
func (s subject) predict(f Fit) (cell.Result, error) {
	v := s.cell.Setting
	requests := func(n, answer int) []trace.Request {
		out := make([]trace.Request, n)
		for i := range out {
			out[i] = trace.Request{Prompt: v.Prompt, Answer: answer}
		}
		return out
	}
	m := *s.scenario.Routers.Machine
	f.machineOf(s.cell, &m)
	one := s.scenario
	one.Routers.Machine, one.Network, one.Nodes = &m, f.networkOf(s.cell), append([]scenario.Node{}, one.Nodes...)
	for i := range one.Nodes {
		one.Nodes[i].Machine = &m
	}
	o := sim.Options{Limit: time.Hour, Users: v.Batch, Warm: requests(v.Batch, cell.WarmAnswer)}
	if v.Fault != "" {
		o.Settled = cell.Settled
	}
	var all []sim.Report
	for seed := range uint64(seeds) {
		one.Seed = seed + 1
		r, err := sim.Run(&one, requests(v.Batch*v.Answers, v.Answer), o)
		if err != nil {
			return cell.Result{}, fmt.Errorf("cell %s: %w", v.Name(), err)
		}
		all = append(all, r)
	}
	return medians(all), nil
}

// medians are those of runs.
func medians(all []sim.Report) cell.Result {
	of := func(f func(sim.Report) float64) float64 {
		values := make([]float64, len(all))
		for i, r := range all {
			values[i] = f(r)
		}
		return measure.Median(values)
	}
	latency := func(f func(sim.Report) measure.Latency) measure.Latency {
		values := make([]measure.Latency, len(all))
		for i, r := range all {
			values[i] = f(r)
		}
		return measure.MedianLatency(values)
	}
	return cell.Result{
		Throughput: of(func(r sim.Report) float64 { return r.Throughput }),
		First:      latency(func(r sim.Report) measure.Latency { return r.First }), Gap: latency(func(r sim.Report) measure.Latency { return r.Gap }),
		Total: latency(func(r sim.Report) measure.Latency { return r.Total }), Stall: latency(func(r sim.Report) measure.Latency { return r.Longest }),
	}
}

// predictAll simulates cells on all cores.
func predictAll(all []subject, f Fit) ([]cell.Result, error) {
	out := make([]cell.Result, len(all))
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, s := range all {
		group.Go(func() (err error) {
			out[i], err = s.predict(f)
			return err
		})
	}
	return out, group.Wait()
}
