package calibrate

import (
	"cmp"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/hachi-serve/hachi/internal/bench/cell"
	"github.com/hachi-serve/hachi/internal/bench/measure"
	"github.com/hachi-serve/hachi/internal/sim"
	"github.com/hachi-serve/hachi/internal/sim/machine"
	"github.com/hachi-serve/hachi/internal/sim/scenario"
	"github.com/hachi-serve/hachi/internal/sim/trace"
)

// cluster is cells that one cluster served, by batch, and its scenario.
type cluster struct {
	cells    []cell.Cell
	scenario scenario.Scenario
}

// clustersOf are the clusters of cells. A simulation loses no packets, so cells with losses
// are an error.
func clustersOf(cells []cell.Cell) ([]cluster, error) {
	groups := map[string][]cell.Cell{}
	for _, c := range cells {
		if c.Setting.Loss > 0 {
			return nil, fmt.Errorf("cell %s: lost packets are not simulated; leave the cell out", c.Setting.Name())
		}
		s := c.Setting
		s.Batch, s.Answers = 0, 0
		groups[s.Name()] = append(groups[s.Name()], c)
	}
	var out []cluster
	for _, name := range slices.Sorted(maps.Keys(groups)) {
		all := groups[name]
		slices.SortFunc(all, func(a, b cell.Cell) int { return cmp.Compare(a.Setting.Batch, b.Setting.Batch) })
		one, err := scene{all[0].Setting, all[0].Config, all[0].Machine, routingOf(all), "balanced", false}.scenario()
		if err != nil {
			return nil, err
		}
		out = append(out, cluster{all, one})
	}
	return out, nil
}

// routingOf adds up what was counted in cells of one cluster.
func routingOf(cells []cell.Cell) [][]float64 {
	out := make([][]float64, len(cells[0].Routing))
	for layer := range out {
		out[layer] = make([]float64, len(cells[0].Routing[layer]))
		for _, c := range cells {
			for expert := range out[layer] {
				out[layer][expert] += c.Routing[layer][expert]
			}
		}
	}
	return out
}

// turn is a load of a cluster and the cell of which it is a round; -1 is none.
type turn struct {
	cell int
	load sim.Load
}

// turns are the loads of a cluster in the order of bench scale: rounds with another cell
// first in each, and where a fault is, as many with it afterwards, which are the cell's.
func (c cluster) turns(f Fit) (out []turn) {
	add := func(i int, l sim.Load) { out = append(out, turn{i, l}) }
	order := make([]int, len(c.cells))
	for i := range order {
		order[i] = i
	}
	fault := c.cells[0].Setting.Fault
	for round := range c.cells[0].Rounds {
		for _, i := range measure.Turns(order, round) {
			switch rounds := c.cells[i].Rounds; {
			case fault != cell.None:
				add(-1, c.load(f, i, c.cells[i].Result.Limits))
			case round < len(rounds):
				add(i, c.load(f, i, rounds[round].Limits))
			}
		}
	}
	for i, one := range c.cells {
		for _, r := range one.Rounds {
			if fault == cell.Kill {
				l := c.load(f, i, r.Limits)
				l.Faults = []scenario.Fault{{Kind: scenario.Kill, Targets: []string{"expert-0"}, For: restart}}
				add(i, l)
			}
		}
	}
	return out
}

// restart is from the kill of a node to the start of its next process: local.Child waits.
const restart = 200 * time.Millisecond

// load is a round of a cell, on what the machine gave in it.
func (c cluster) load(f Fit, i int, limits cell.Limits) sim.Load {
	v := c.cells[i].Setting
	return sim.Load{
		Requests: alike(v.Batch*v.Answers, v.Prompt, v.Answer), Machine: f.machineOf(c.cells[i].Machine.Cores, limits),
		Options: sim.Options{Limit: time.Hour, Users: v.Batch, Warm: alike(v.Batch, v.Prompt, cell.WarmAnswer), Settled: cell.Settled, Keep: v.Fault != cell.None},
	}
}

// alike are requests of the same lengths.
func alike(n, prompt, answer int) []trace.Request {
	out := make([]trace.Request, n)
	for i := range out {
		out[i] = trace.Request{Prompt: prompt, Answer: answer}
	}
	return out
}

// predict simulates the cells of a cluster: the same loads in the same order.
func (c cluster) predict(f Fit) ([]cell.Result, error) {
	turns := c.turns(f)
	loads := make([]sim.Load, len(turns))
	for i, t := range turns {
		loads[i] = t.load
	}
	reports, err := run(c.scenario, f.networkOf(c.cells[0].Setting), loads)
	if err != nil {
		return nil, fmt.Errorf("cluster of cell %s: %w", c.cells[0].Setting.Name(), err)
	}
	parts := make([][]sim.Report, len(c.cells))
	var calm []sim.Report
	for i, t := range turns {
		if t.cell < 0 {
			calm = append(calm, reports[i])
		} else {
			parts[t.cell] = append(parts[t.cell], reports[i])
		}
	}
	out := make([]cell.Result, len(c.cells))
	for i := range out {
		out[i] = medians(parts[i])
		if len(calm) > 0 {
			out[i].Stall = measure.LatencyOf(measure.Beyond(longestAfter(parts[i]), measure.FromMilliseconds(medians(calm).Gap.P99)))
		}
	}
	return out, nil
}

// run simulates loads on a scenario's cluster, which begins with the first one's machine.
func run(s scenario.Scenario, n machine.Network, loads []sim.Load) ([]sim.Report, error) {
	s.Network, s.Routers.Machine, s.Nodes = n, loads[0].Machine, slices.Clone(s.Nodes)
	for i := range s.Nodes {
		s.Nodes[i].Machine = loads[0].Machine
	}
	return sim.RunAll(&s, loads)
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
		Total: latency(func(r sim.Report) measure.Latency { return r.Total }),
	}
}

// predictAll simulates clusters on all cores, and returns the results of their cells by
// name.
func predictAll(all []cluster, f Fit) (map[string]cell.Result, error) {
	results := make([][]cell.Result, len(all))
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, c := range all {
		group.Go(func() (err error) {
			results[i], err = c.predict(f)
			return err
		})
	}
	err := group.Wait()
	out := map[string]cell.Result{}
	for i, c := range all {
		for k, r := range results[i] {
			out[c.cells[k].Setting.Name()] = r
		}
	}
	return out, err
}
