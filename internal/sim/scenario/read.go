package scenario

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/coordinator/planner"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/internal/model/arch"
	"github.com/hachi-serve/hachi/internal/role"
	"github.com/hachi-serve/hachi/internal/router/scheduler"
	"github.com/hachi-serve/hachi/internal/sim/machine"
	"github.com/hachi-serve/hachi/internal/weights/preset"
	"github.com/hachi-serve/hachi/moe"
)

// Read reads a file and changes what it says. The error is a role.ConfigError that names
// every fault with its line.
func Read(path string, changes ...Change) (*Scenario, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, &role.ConfigError{Err: err}
	}
	return parse(path, filepath.Dir(path), raw, changes)
}

// parse reads the text of a file, whose paths begin at dir.
func parse(name, dir string, raw []byte, changes []Change) (*Scenario, error) {
	f := defaults()
	if err := role.DecodeConfig(name, raw, &f); err != nil {
		return nil, err
	}
	for _, c := range changes {
		c.apply(&f)
	}
	b := builder{file: f, dir: dir, machines: map[string]*machine.Machine{}}
	s := b.build()
	if len(b.faults) > 0 {
		return nil, &role.ConfigError{Err: Located(name, raw, b.faults)}
	}
	return s, nil
}

// builder makes a Scenario of a file.
type builder struct {
	file     file
	dir      string
	faults   role.Faults
	machines map[string]*machine.Machine
}

// build makes the scenario; it is of no use if there are faults.
func (b *builder) build() *Scenario {
	f := &b.file
	for _, name := range slices.Sorted(maps.Keys(f.Machines)) {
		b.machines[name] = b.machine("machines."+name, f.Machines[name])
	}
	s := &Scenario{
		Seed: f.Seed, Policy: planner.Policy(f.Placement.Policy), Replicas: f.Placement.Replicas, Redundant: f.Placement.Redundant,
		Control: Control(f.Control), Prices: b.prices(),
	}
	role.PlacementConfig(f.Placement).Check(&b.faults)
	b.control()
	b.network(s)
	if b.model(s) {
		b.routers(s)
		b.routing(s)
	}
	seen := map[string]bool{Coordinator: true}
	for i := range min(max(0, f.Routers.Count), maxRouters) {
		seen[RouterName(i)] = true
	}
	for i, group := range f.Nodes {
		s.Nodes = append(s.Nodes, b.nodes(fmt.Sprintf("nodes[%d]", i), group, seen)...)
	}
	if len(f.Nodes) == 0 {
		b.faults.Addf("nodes", "want at least one")
	}
	b.faults.Between("placement.replicas", f.Placement.Replicas, 0, max(2, len(seen)))
	b.befall(s, seen)
	b.hosts(s)
	return s
}

// RouterName is the name of a router by its number.
func RouterName(i int) string { return fmt.Sprintf("router-%d", i) }

// model reads the shape of the model; false if there is none.
func (b *builder) model(s *Scenario) bool {
	m := b.file.Model
	var c model.Config
	switch {
	case (m.Config == "") == (m.Preset == ""):
		b.faults.Addf("model", "want either config, a path of a config.json, or preset, one of %v", preset.ShapeNames())
		return false
	case m.Preset != "":
		shape, err := preset.Shape(m.Preset)
		if err != nil {
			b.faults.Addf("model.preset", "%w", err)
			return false
		}
		c = shape
	default:
		path := m.Config
		if !filepath.IsAbs(path) {
			path = filepath.Join(b.dir, path)
		}
		raw, err := os.ReadFile(path)
		if err == nil {
			c, _, err = arch.ParseConfig(raw)
		}
		if err != nil {
			b.faults.Addf("model.config", "%w", err)
			return false
		}
	}
	experts := c.DType
	if m.Quantize != "" && m.Quantize != c.DType.String() {
		format, err := tensor.Target(m.Quantize)
		if err != nil {
			b.faults.Addf("model.quantize", "%w", err)
			return false
		}
		experts = format
	}
	numerics, err := model.DefaultNumerics(cmp.Or(c.DType, tensor.BF16)).With(model.Overrides{KV: m.KVCacheDtype, FFNActivation: m.FFNActivationDtype})
	if err != nil {
		b.faults.Addf("model", "%w", err)
		return false
	}
	s.Shape = machine.NewShape(c, experts, numerics)
	return true
}

// machine checks one kind of machine.
func (b *builder) machine(field string, m machineFile) *machine.Machine {
	b.faults.Between(field+".cores", m.Cores, 1, maxCores)
	b.faults.Between(field+".units", m.Units, 0, maxCores)
	b.size(field+".memory", m.Memory)
	b.size(field+".bandwidth", m.Bandwidth)
	if m.CoreBandwidth < 0 || m.CoreBandwidth > m.Bandwidth {
		b.faults.Addf(field+".coreBandwidth", "%v: want at most bandwidth, %v", m.CoreBandwidth, m.Bandwidth)
	}
	b.size(field+".load", m.Load)
	if m.Load > 0 && m.Load < minLoad {
		b.faults.Addf(field+".load", "%v: want at least %v a second", m.Load, minLoad)
	}
	if m.Launch < 0 {
		b.faults.Addf(field+".launch", "%v: want at least 0", m.Launch)
	}
	out := &machine.Machine{
		Cores: m.Cores, Units: max(1, m.Units), Memory: int64(m.Memory), Bandwidth: float64(m.Bandwidth), CoreBandwidth: float64(cmp.Or(m.CoreBandwidth, m.Bandwidth)),
		Rates: map[tensor.DType]float64{}, Launch: m.Launch, Load: float64(m.Load),
		MemoryShare: b.share(field+".efficiency.memory", m.Efficiency.Memory), ArithmeticShare: b.share(field+".efficiency.arithmetic", m.Efficiency.Arithmetic),
	}
	out.CoreShare = cmp.Or(m.Efficiency.Core, out.MemoryShare)
	b.share(field+".efficiency.core", out.CoreShare)
	out.Others = machine.Others(m.Others)
	if o := m.Others; o.For < 0 || o.Every < o.For || o.For > 0 && o.Every == o.For || !(o.Idle >= 0 && o.Idle <= 1) {
		b.faults.Addf(field+".others", "%v in each %v, idle %v: want a shorter time than that, and 0 to 1", o.For, o.Every, o.Idle)
	}
	if out.Serial = m.Efficiency.Serial; !(out.Serial >= 0 && out.Serial <= 1) {
		b.faults.Addf(field+".efficiency.serial", "%v: want 0 to 1", out.Serial)
	}
	if out.Step, out.Draw, out.Call, out.Start = m.Step, m.Draw, m.Call, m.Start; min(m.Step, m.Draw, m.Call, m.Start) < 0 {
		b.faults.Addf(field, "step %v, draw %v, call %v, start %v: want at least 0", m.Step, m.Draw, m.Call, m.Start)
	}
	if len(m.Arithmetic) == 0 {
		b.faults.Addf(field+".arithmetic", "want operations per second of at least one format, for example bf16: 1e12")
	}
	for _, name := range slices.Sorted(maps.Keys(m.Arithmetic)) {
		rate := m.Arithmetic[name]
		i := slices.IndexFunc(tensor.Formats(), func(d tensor.DType) bool { return d.String() == name })
		switch {
		case i < 0:
			b.faults.Addf(field+".arithmetic."+name, "want one of the formats %v", tensor.Formats())
		case !(rate > 0 && rate < maxRate):
			b.faults.Addf(field+".arithmetic."+name, "%v: want above 0, below %g", rate, maxRate)
		default:
			out.Rates[tensor.Formats()[i]] = rate
			if out.Fallback == 0 || rate < out.Fallback {
				out.Fallback = rate
			}
		}
	}
	return out
}

// minLoad keeps the time in which a cluster forms within reach.
const minLoad = role.Mi

const (
	maxCores = 1 << 16
	maxRate  = 1e21
	maxNodes = 1 << 14

	maxRouters = 1024
)

// prices are those of the kinds of machines that have one.
func (b *builder) prices() map[*machine.Machine]float64 {
	out := map[*machine.Machine]float64{}
	for _, name := range slices.Sorted(maps.Keys(b.machines)) {
		p, field := b.file.Machines[name].Price, "machines."+name+".price"
		switch {
		case !(p.PerHour >= 0 && p.PerHour < maxRate):
			b.faults.Addf(field+".perHour", "%v: want at least 0", p.PerHour)
		case (p.PerHour > 0) != (p.Source != ""):
			b.faults.Addf(field, "want both perHour and source, where the number is from, or neither")
		case p.PerHour > 0:
			out[b.machines[name]] = p.PerHour
		}
	}
	return out
}

// size checks that a size is given.
func (b *builder) size(field string, s role.Size) {
	if s <= 0 {
		b.faults.Addf(field, "%v: want more than 0, for example 64Gi", s)
	}
}

// share checks a share; 0 is 1.
func (b *builder) share(field string, share float64) float64 {
	if !(share >= 0 && share <= 1) {
		b.faults.Addf(field, "%v: want 0 to 1", share)
	}
	return cmp.Or(share, 1)
}

// process finds where a process computes.
func (b *builder) process(field, name string, threads int, host string) Process {
	m, ok := b.machines[name]
	if !ok {
		b.faults.Addf(field+".machine", "%q: want one of machines: %v", name, slices.Sorted(maps.Keys(b.machines)))
		return Process{}
	}
	b.faults.Between(field+".threads", threads, 0, max(0, m.Cores))
	return Process{Machine: m, Threads: threads, Host: host}
}

// nodes are those of a group.
func (b *builder) nodes(field string, g nodesFile, seen map[string]bool) (out []Node) {
	b.faults.Name(field+".name", g.Name)
	b.faults.Between(field+".count", g.Count, 0, maxNodes-len(seen))
	if g.Capacity < 0 {
		b.faults.Addf(field+".capacity", "%v: want at least 0", g.Capacity)
	}
	process := b.process(field, g.Machine, g.Threads, g.Host)
	if process.Machine == nil {
		return nil
	}
	process.Quota = b.quota(field+".quota", g)
	for i := range min(max(1, g.Count), maxNodes) {
		name := g.Name
		if g.Count > 0 {
			name = fmt.Sprintf("%s-%d", g.Name, i)
		}
		if seen[name] {
			b.faults.Addf(field+".name", "%q is there twice", name)
		}
		seen[name] = true
		out = append(out, Node{Process: process, ID: moe.NodeID(name), Capacity: cmp.Or(int64(g.Capacity), process.Machine.Memory), Zone: g.Zone})
	}
	return out
}

// defaultPeriod is that of a quota, as in Linux.
const defaultPeriod = 100 * time.Millisecond

// quota checks the limit of a group's CPU time.
func (b *builder) quota(field string, g nodesFile) Quota {
	q := g.Quota
	if q.Cores != 0 {
		q.Period = cmp.Or(q.Period, defaultPeriod)
	}
	switch {
	case !(q.Cores >= 0 && q.Cores <= maxCores):
		b.faults.Addf(field+".cores", "%v: want at least 0", q.Cores)
	case q.Cores == 0 && q.Period != 0:
		b.faults.Addf(field+".period", "want cores too")
	case q.Cores > 0 && (q.Period < time.Millisecond || q.Period > time.Second):
		b.faults.Addf(field+".period", "%v: want 1ms to 1s", q.Period)
	case q.Cores > 0 && g.Host == "":
		b.faults.Addf(field, "want a host too: a process alone on a machine has all its cores")
	}
	return q
}

// routers checks the routers, whose model is known.
func (b *builder) routers(s *Scenario) {
	r, c := b.file.Routers, s.Shape.Config
	b.faults.Between("routers.count", r.Count, 1, maxRouters)
	b.faults.Min("routers.maxNumSeqs", r.MaxSequences, 0)
	b.faults.Min("routers.maxQueuedRequests", r.MaxQueued, 0)
	b.faults.Between("routers.microBatches", r.MicroBatches, 0, 4)
	b.faults.Between("routers.maxStepTokens", r.MaxStepTokens, 1, 16384)
	b.faults.Between("routers.maxContext", r.MaxContext, 0, c.MaxContext)
	if !(r.MaxStepSlowdown >= 1) {
		b.faults.Addf("routers.maxStepSlowdown", "%v: want at least 1", r.MaxStepSlowdown)
	}
	if !(r.TokenScale > 0 && r.TokenScale <= 1) {
		b.faults.Addf("routers.tokenScale", "%v: want above 0, at most 1", r.TokenScale)
	}
	block := s.Shape.KVBytes * float64(c.Layers*model.BlockSize)
	blocks := int(float64(r.KVCacheMemory) / block)
	if blocks < 1 {
		b.faults.Addf("routers.kvCacheMemory", "%v: want at least one block of %.0f bytes", r.KVCacheMemory, block)
	}
	sequences := cmp.Or(r.MaxSequences, scheduler.SequencesFor(max(1, blocks)))
	context := cmp.Or(r.MaxContext, c.MaxContext)
	blocks = min(blocks, sequences*(context/model.BlockSize+1))
	s.Routers = Routers{
		Process: b.process("routers", r.Machine, r.Threads, r.Host), Count: min(r.Count, maxRouters), Gateway: r.Gateway, Blocks: blocks,
		PrefixCache: r.PrefixCache, MicroBatches: r.MicroBatches, DisableHedging: r.DisableHedging, TokenScale: r.TokenScale,
		MaxContext: min(context, blocks*model.BlockSize),
		Limits: scheduler.Limits{
			StepTokens: r.MaxStepTokens, MaxSequences: sequences, MaxWaiting: r.MaxQueued, MaxWaitingTokens: 4 * blocks * model.BlockSize, MaxStepSlowdown: r.MaxStepSlowdown,
		},
	}
}

// Located joins the faults of a file, each with its line.
func Located(name string, raw []byte, faults role.Faults) error {
	lines := linesOf(raw)
	out := make([]error, len(faults))
	for i, fault := range faults {
		var field *role.FieldError
		if errors.As(fault, &field) {
			out[i] = fmt.Errorf("%s: line %d: %w", name, lines.of(field.Field), fault)
			continue
		}
		out[i] = fmt.Errorf("%s: %w", name, fault)
	}
	return errors.Join(out...)
}
