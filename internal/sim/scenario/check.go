package scenario

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/hachi-serve/hachi/internal/sim/machine"
)

// control checks the times of the control plane.
func (b *builder) control() {
	c := b.file.Control
	b.faults.LeaseTTL("control.leaseTTL", c.LeaseTTL)
	for field, d := range map[string]time.Duration{"tick": c.Tick, "watch": c.Watch, "gossip": c.Gossip, "election": c.Election} {
		if d < time.Millisecond || d > time.Hour {
			b.faults.Addf("control."+field, "%v: want 1ms to 1h", d)
		}
	}
}

// network checks what lies between processes.
func (b *builder) network(s *Scenario) {
	n := b.file.Network
	if n.Latency.P50 <= 0 || n.Latency.P50 > time.Minute {
		b.faults.Addf("network.latency.p50", "%v: want above 0, at most 1m", n.Latency.P50)
	}
	if n.Latency.P99 != 0 && (n.Latency.P99 < n.Latency.P50 || n.Latency.P99 > time.Minute) {
		b.faults.Addf("network.latency.p99", "%v: want p50 to 1m", n.Latency.P99)
	}
	b.size("network.bandwidth", n.Bandwidth)
	if n.Bandwidth > 0 && n.Bandwidth < minLoad {
		b.faults.Addf("network.bandwidth", "%v: want at least %v a second", n.Bandwidth, minLoad)
	}
	if n.Message < 0 || n.Message > time.Second {
		b.faults.Addf("network.message", "%v: want 0 to 1s", n.Message)
	}
	if n.Work < 0 || n.Work > time.Second {
		b.faults.Addf("network.work", "%v: want 0 to 1s", n.Work)
	}
	if n.Incast.Buffer < 0 || n.Incast.Timeout < 0 || (n.Incast.Buffer > 0) != (n.Incast.Timeout > 0) {
		b.faults.Addf("network.incast", "want both buffer and timeout, or neither")
	}
	s.Network = machine.Network{
		P50: n.Latency.P50, P99: n.Latency.P99, Bandwidth: float64(n.Bandwidth), Message: n.Message, Work: n.Work, Buffer: float64(n.Incast.Buffer), Timeout: n.Incast.Timeout,
	}
}

// routing checks how tokens choose experts of the model.
func (b *builder) routing(s *Scenario) {
	r := b.file.Routing
	s.Routing = Routing{Kind: RoutingKind(r.Kind), Skew: r.Skew}
	b.faults.OneOf("routing.kind", r.Kind, string(Uniform), string(Zipf), string(Adversarial), string(Counts))
	if !(r.Skew >= 0 && r.Skew <= 10) {
		b.faults.Addf("routing.skew", "%v: want 0 to 10", r.Skew)
	}
	if s.Routing.Kind != Counts {
		if r.File != "" {
			b.faults.Addf("routing.file", "is for the kind counts")
		}
		return
	}
	path := r.File
	if !filepath.IsAbs(path) {
		path = filepath.Join(b.dir, path)
	}
	raw, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(raw, &s.Routing.Counts)
	}
	if err == nil {
		err = checkCounts(s)
	}
	if err != nil {
		b.faults.Addf("routing.file", "%w", err)
	}
}

// checkCounts compares counts with the model.
func checkCounts(s *Scenario) error {
	t := s.Shape.Config.Topology()
	if len(s.Routing.Counts) != t.Layers() {
		return fmt.Errorf("counts of %d layers: the model has %d", len(s.Routing.Counts), t.Layers())
	}
	for layer, counts := range s.Routing.Counts {
		if len(counts) != t.In(layer) {
			return fmt.Errorf("layer %d: counts of %d experts: the model has %d", layer, len(counts), t.In(layer))
		}
		chosen := 0
		for e, n := range counts {
			if !(n >= 0 && n < 1e18) {
				return fmt.Errorf("layer %d, expert %d: %v rows", layer, e, n)
			}
			if n > 0 {
				chosen++
			}
		}
		if len(counts) > 0 && chosen < s.Shape.Config.TopK {
			return fmt.Errorf("layer %d: rows of %d experts: a token chooses %d", layer, chosen, s.Shape.Config.TopK)
		}
	}
	return nil
}

// befall checks the faults in the order of their times. seen are the names of the
// processes.
func (b *builder) befall(s *Scenario, seen map[string]bool) {
	order := seq(len(b.file.Faults))
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(b.file.Faults[i].At, b.file.Faults[j].At) })
	for _, i := range order {
		f, field := b.file.Faults[i], fmt.Sprintf("faults[%d]", i)
		if f.At < 0 || f.For < 0 {
			b.faults.Addf(field, "at %v for %v: want no negative time", f.At, f.For)
		}
		out, ok := f.named()
		if !ok {
			b.faults.Addf(field, "want one of kill, slow, partition and join")
			continue
		}
		b.target(s, field, &out, seen)
		if f.Join != nil {
			out.Nodes = b.nodes(field+".join", *f.Join, seen)
		}
		s.Faults = append(s.Faults, out)
	}
}

// named is the fault that a file describes; false unless it names one kind.
func (f faultFile) named() (Fault, bool) {
	out := Fault{At: f.At, For: f.For, Factor: f.Factor}
	kinds := 0
	for _, kind := range []struct {
		kind    FaultKind
		targets []string
		given   bool
	}{{Kill, []string{f.Kill}, f.Kill != ""}, {Slow, []string{f.Slow}, f.Slow != ""}, {Partition, f.Partition, f.Partition != nil}, {Join, nil, f.Join != nil}} {
		if kind.given {
			kinds++
			out.Kind, out.Targets = kind.kind, kind.targets
		}
	}
	return out, kinds == 1
}

// target checks what a fault befalls.
func (b *builder) target(s *Scenario, field string, f *Fault, seen map[string]bool) {
	if (f.Kind == Slow) != (f.Factor != 0) || (f.Kind == Slow && !(f.Factor >= 1 && f.Factor <= 1e6)) {
		b.faults.Addf(field+".factor", "%v: want 1 to 1000000 with slow, and none without", f.Factor)
	}
	isRouter := func(name string) bool {
		return slices.ContainsFunc(seq(s.Routers.Count), func(i int) bool { return RouterName(i) == name })
	}
	for _, name := range f.Targets {
		switch {
		case !seen[name]:
			b.faults.Addf(field+"."+string(f.Kind), "%q: no process is called so before this fault", name)
		case name == Coordinator && f.Kind != Kill:
			b.faults.Addf(field+"."+string(f.Kind), "the coordinator can only be killed")
		case isRouter(name) && f.Kind == Partition:
			b.faults.Addf(field+"."+string(f.Kind), "%q: only expert nodes can be cut off", name)
		}
	}
}

func seq(n int) []int {
	out := make([]int, max(0, n))
	for i := range out {
		out[i] = i
	}
	return out
}

// hosts checks that processes which share a machine agree on it.
func (b *builder) hosts(s *Scenario) {
	kinds := map[string]*machine.Machine{}
	check := func(field string, p Process) {
		if p.Host == "" || p.Machine == nil {
			return
		}
		if m := kinds[p.Host]; m != nil && m != p.Machine {
			b.faults.Addf(field+".host", "%q: its processes name different machines", p.Host)
		}
		kinds[p.Host] = p.Machine
	}
	check("routers", s.Routers.Process)
	for i, g := range b.file.Nodes {
		check(fmt.Sprintf("nodes[%d]", i), Process{Machine: b.machines[g.Machine], Host: g.Host})
	}
}
