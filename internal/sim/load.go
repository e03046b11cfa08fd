package sim

import (
	"github.com/hachi-serve/hachi/internal/sim/machine"
	"github.com/hachi-serve/hachi/internal/sim/scenario"
	"github.com/hachi-serve/hachi/internal/sim/trace"
)

// Load is what a cluster serves in one run.
type Load struct {
	Requests []trace.Request
	Options  Options
	// Machine, unless it is nil, is what every process runs on from this load on: the
	// memory of a shared machine is faster in some minutes than in others.
	Machine *machine.Machine
	// Faults befall the cluster; Run takes the scenario's.
	Faults []scenario.Fault
}

// Run simulates a cluster under one load. The error is a *FormError, or says which
// invariants broke; the report is of no use then.
func Run(s *scenario.Scenario, requests []trace.Request, o Options) (Report, error) {
	all, err := RunAll(s, []Load{{Requests: requests, Options: o, Faults: s.Faults}})
	if err != nil {
		return Report{}, err
	}
	return all[0], nil
}

// RunAll simulates loads one after another on one cluster, and reports each. What its
// processes have learned under one they know under the next, such as how long the rows of
// prompts take. A load begins when every expert is where it should be. The workers are those
// of the first one's options. Errors are those of Run.
func RunAll(s *scenario.Scenario, loads []Load) ([]Report, error) {
	own := *s // become changes it
	w := newWorld(&own)
	defer w.employ(loads[0].Options.Workers - 1)()
	if err := w.form(); err != nil {
		return nil, err
	}
	forming := w.loop.Now()
	var out []Report
	for _, l := range loads {
		if err := w.settle(); err != nil {
			return nil, err
		}
		w.become(l.Machine)
		w.serve(l)
		if err := w.broken(); err != nil {
			return nil, err
		}
		r := w.report()
		r.Cluster.Forming = forming.Seconds()
		out = append(out, r)
	}
	return out, nil
}

// become lets every process run on a machine from now on.
func (w *world) become(m *machine.Machine) {
	if m == nil {
		return
	}
	w.scenario.Routers.Machine = m
	for _, r := range w.routers {
		r.at.Machine = m
		r.attention = m.Attention(&w.scenario.Shape, r.at.Threads)
	}
	for _, n := range w.nodes {
		n.at.Machine, n.spec.Machine = m, m
		n.speed = w.speedOf(n.spec.Process)
	}
	for _, c := range w.hosts {
		c.memory, c.others = m.Bandwidth*m.MemoryShare, m.Others
	}
}
