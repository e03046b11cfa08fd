package coordinator

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"github.com/hachi-serve/hachi/internal/coordinator/planner"
	"github.com/hachi-serve/hachi/internal/moepb"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// TestScenarios runs the files of testdata. Every command is an event, after
// which the state decides; what it writes is printed and taken as written.
//
//	new policy= replicas= expect= [layers= experts= rows= share=]   a first leader on an empty etcd.
//	                        experts=(0,4) lists the experts of each layer; a layer of 0 is dense.
//	node ID [holds=all|L0/E1,...|target] [addr=] [cap=] [fp=] [epoch=] [started=] [draining]
//	                        its record, changed as said; holds=target is what the target gives it.
//	                        It has seen the newest target, or that of epoch sees=.
//	gone ID...              their records are deleted
//	silent ID... / heard ID...   what gossip says; all are heard from the start
//	drain ID / undrain ID   a person's request, for the present run
//	router ID [acked=] [rows=N,...] [fp=]   rows are counted since its start
//	wait 20s                time passes, a second at a time
//	reconnect               etcd was out of reach and is back
//	elect                   another coordinator leads, knowing what is written
//	foreign [target=none|misshapen] [placement=none|misshapen]   another program has
//	                        deleted or damaged it, or wrote one of another shape
//	wipe                    etcd came back empty; another term begins
//	load                    what was measured
func TestScenarios(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		c := &scene{}
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string { return c.run(t, d) })
	})
}

// scene is a leader and its surroundings.
type scene struct {
	s          *state
	now        time.Time
	rules      rules
	topology   moe.Topology
	nodes      map[moe.NodeID]*hachiv1.NodeRecord
	routers    map[string]*hachiv1.RouterRecord
	loads      map[string]*hachiv1.RouterLoad
	drains     map[moe.NodeID]int64
	silent     map[moe.NodeID]bool
	known      map[moe.NodeID]bool // by gossip
	connection uint64
	epoch      moe.Epoch // highest published
}

func (c *scene) run(t *testing.T, d *datadriven.TestData) string {
	ids := func() (out []moe.NodeID) {
		for _, a := range d.CmdArgs {
			if len(a.Vals) == 0 && a.Key != "draining" {
				out = append(out, moe.NodeID(a.Key))
			}
		}
		return out
	}
	switch d.Cmd {
	case "new":
		c.begin(t, d)
		return ""
	case "node":
		c.node(t, d, ids()[0])
	case "gone":
		for _, id := range ids() {
			delete(c.nodes, id)
		}
	case "silent", "heard":
		for _, id := range ids() {
			c.silent[id] = d.Cmd == "silent"
		}
	case "drain":
		c.drains[ids()[0]] = c.nodes[ids()[0]].GetStartedUnixNano()
	case "undrain":
		delete(c.drains, ids()[0])
	case "router":
		c.router(t, d)
	case "reconnect":
		c.connection++
	case "elect":
		c.elect(written{c.s.target, c.s.hasTarget, c.s.placement})
	case "foreign":
		c.foreign(t, d)
	case "wipe":
		clear(c.nodes)
		clear(c.routers)
		clear(c.loads)
		clear(c.drains)
		c.elect(written{})
	case "load":
		return c.load()
	case "wait":
		return c.wait(t, d.CmdArgs[0].Key)
	default:
		t.Fatalf("unknown command %s", d.Cmd)
	}
	return c.decide()
}

func (c *scene) begin(t *testing.T, d *datadriven.TestData) {
	*c = scene{
		now: time.Unix(1000, 0), rules: defaultRules(),
		nodes: map[moe.NodeID]*hachiv1.NodeRecord{}, routers: map[string]*hachiv1.RouterRecord{}, loads: map[string]*hachiv1.RouterLoad{},
		drains: map[moe.NodeID]int64{}, silent: map[moe.NodeID]bool{}, known: map[moe.NodeID]bool{},
	}
	c.rules.replicas, c.rules.expect, c.rules.ttl = 1, 1, 10*time.Second
	layers, perLayer := 1, []int{4}
	for _, a := range d.CmdArgs {
		value := a.Vals[0]
		number, _ := strconv.ParseFloat(value, 64)
		switch a.Key {
		case "policy":
			c.rules.policy = planner.Policy(value)
		case "replicas":
			c.rules.replicas = int(number)
		case "expect":
			c.rules.expect = int(number)
		case "layers":
			layers = int(number)
		case "experts":
			perLayer = numbers(t, a.Vals)
		case "rows":
			c.rules.balance.rows = number
		case "share":
			c.rules.balance.share = number
		default:
			t.Fatalf("unknown argument %s", a.Key)
		}
	}
	if len(perLayer) == 1 {
		perLayer = slices.Repeat(perLayer, layers)
	}
	c.topology = moe.NewTopology(perLayer)
	c.elect(written{})
}

// foreign changes what is written behind the leader's back.
func (c *scene) foreign(t *testing.T, d *datadriven.TestData) {
	next := written{c.s.target, c.s.hasTarget, c.s.placement}
	outside := moe.ExpertID{Layer: 7, Expert: 9}
	for _, a := range d.CmdArgs {
		switch a.Key + "=" + a.Vals[0] {
		case "target=none":
			next.target, next.hasTarget = moe.Target{}, false
		case "target=misshapen":
			next.target.Shards = map[moe.NodeID]moe.Shard{"n0": moe.NewShard([]moe.ExpertID{outside}), "n9": nil}
		case "placement=none":
			next.placement = nil
		case "placement=misshapen":
			old := next.placement
			p, err := moe.NewPlacement(old.Epoch()+1, old.Fingerprint(), moe.Uniform(1, 1), [][]moe.Replica{{{Node: "n0", Addr: "n0:1"}}})
			if err != nil {
				t.Fatal(err)
			}
			next.placement, c.epoch = p, p.Epoch()
		default:
			t.Fatalf("unknown argument %v", a)
		}
	}
	c.s.adopt(next)
}

func numbers(t *testing.T, texts []string) []int {
	out := make([]int, len(texts))
	for i, text := range texts {
		var err error
		if out[i], err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func (c *scene) elect(w written) {
	c.connection++
	c.s = newState(c.rules, w, 0, func(id moe.NodeID) bool { return !c.silent[id] }, c.now)
	c.s.heard = c.heard
}

// heard are the nodes that have registered once, and that gossip hears.
func (c *scene) heard() (out []moe.NodeID) {
	for id := range c.known {
		if !c.silent[id] {
			out = append(out, id)
		}
	}
	return out
}

func (c *scene) node(t *testing.T, d *datadriven.TestData, id moe.NodeID) {
	r := c.nodes[id]
	if r == nil {
		r = &hachiv1.NodeRecord{
			NodeId: string(id), Addr: string(id) + ":1", Fingerprint: "fp", StartedUnixNano: 1,
			ExpertsPerLayer: moepb.TopologyToProto(c.topology), ExpertBytes: 1,
		}
		c.nodes[id], c.known[id] = r, true
	}
	r.TargetEpoch = uint64(c.s.target.Epoch)
	for _, a := range d.CmdArgs {
		if a.Key == "draining" {
			r.Draining = true
		}
		if len(a.Vals) == 0 {
			continue
		}
		number, _ := strconv.Atoi(a.Vals[0])
		switch a.Key {
		case "holds":
			r.Resident = moepb.ShardToProto(c.shard(t, id, a.Vals))
		case "addr":
			r.Addr = a.Vals[0]
		case "cap":
			r.CapacityBytes = uint64(number)
		case "fp":
			r.Fingerprint = a.Vals[0]
		case "epoch":
			r.Epoch = uint64(number)
		case "started":
			r.StartedUnixNano = int64(number)
		case "sees":
			r.TargetEpoch = uint64(number)
		case "fails":
			r.LoadError = a.Vals[0]
		default:
			t.Fatalf("unknown argument %s", a.Key)
		}
	}
}

func (c *scene) shard(t *testing.T, id moe.NodeID, names []string) moe.Shard {
	var ids []moe.ExpertID
	for _, name := range names {
		switch name {
		case "target":
			ids = append(ids, c.s.target.Shards[id]...)
		case "nothing":
		default:
			var e moe.ExpertID
			if _, err := fmt.Sscanf(name, "L%d/E%d", &e.Layer, &e.Expert); err != nil {
				t.Fatalf("expert %q: %v", name, err)
			}
			ids = append(ids, e)
		}
	}
	return moe.NewShard(ids)
}

func (c *scene) router(t *testing.T, d *datadriven.TestData) {
	id := d.CmdArgs[0].Key
	r := c.routers[id]
	if r == nil {
		r = &hachiv1.RouterRecord{RouterId: id, Fingerprint: "fp"}
		c.routers[id], c.loads[id] = r, &hachiv1.RouterLoad{RouterId: id, Fingerprint: "fp"}
	}
	for _, a := range d.CmdArgs[1:] {
		switch a.Key {
		case "gone":
			delete(c.routers, id)
			delete(c.loads, id)
		case "fp":
			r.Fingerprint, c.loads[id].Fingerprint = a.Vals[0], a.Vals[0]
		case "acked":
			n, err := strconv.Atoi(a.Vals[0])
			if err != nil {
				t.Fatal(err)
			}
			r.AckedEpoch = uint64(n)
		case "rows":
			c.loads[id].RowsSent = nil
			for _, n := range numbers(t, a.Vals) {
				c.loads[id].RowsSent = append(c.loads[id].RowsSent, uint64(n))
			}
		default:
			t.Fatalf("unknown argument %s", a.Key)
		}
	}
}

// wait lets time pass and prints what is written when.
func (c *scene) wait(t *testing.T, text string) string {
	span, err := time.ParseDuration(text)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for end := c.now.Add(span); c.now.Before(end); {
		c.now = c.now.Add(time.Second)
		if w := c.writes(); w != "" {
			fmt.Fprintf(&out, "+%v\n%s", c.now.Sub(end.Add(-span)), w)
		}
	}
	return out.String() + c.notes()
}

func (c *scene) decide() string { return c.writes() + c.notes() }

func (c *scene) notes() string {
	if text := c.s.degraded(); text != "" {
		return "degraded: " + text + "\n"
	}
	return ""
}

// writes observes everything, decides, and takes the writes as written.
func (c *scene) writes() string {
	c.s.observeNodes(slices.Collect(maps.Values(c.nodes)), c.connection, c.now)
	c.s.observeRouters(slices.Collect(maps.Values(c.routers)))
	c.s.observeLoads(slices.Collect(maps.Values(c.loads)), c.now)
	c.s.observeDrains(c.drains)
	w := c.s.decide(c.now)
	next := written{c.s.target, c.s.hasTarget, c.s.placement}
	var out strings.Builder
	if w.target != nil {
		next.target, next.hasTarget = *w.target, true
		fmt.Fprintf(&out, "target %d\n", w.target.Epoch)
		for _, id := range slices.SortedFunc(maps.Keys(w.target.Shards), planner.Natural) {
			fmt.Fprintf(&out, "  %s: %s\n", id, brief(w.target.Shards[id]))
		}
	}
	if p := w.placement; p != nil {
		next.placement = p
		fmt.Fprintf(&out, "placement %d\n", p.Epoch())
		if p.Epoch() <= c.epoch {
			fmt.Fprintf(&out, "  NOT ABOVE %d\n", c.epoch)
		}
		c.epoch = p.Epoch()
		out.WriteString(listing(p))
	}
	c.s.adopt(next)
	return out.String()
}

func brief(s moe.Shard) string {
	names := make([]string, len(s))
	for i, id := range s {
		names[i] = id.String()
	}
	return strings.Join(names, " ")
}

// listing prints a placement a layer per line; addresses only when they are
// not the usual ones.
func listing(p *moe.Placement) string {
	var out strings.Builder
	for layer := range p.Topology().Layers() {
		fmt.Fprintf(&out, "  L%d:", layer)
		for expert := range p.Topology().In(layer) {
			var names []string
			for _, r := range p.Replicas(moe.ExpertID{Layer: layer, Expert: expert}) {
				name := string(r.Node)
				if r.Addr != name+":1" {
					name += "@" + r.Addr
				}
				names = append(names, name)
			}
			fmt.Fprintf(&out, " %s", strings.Join(names, "+"))
		}
		out.WriteString("\n")
	}
	return out.String()
}

func (c *scene) load() string {
	rows, over := c.s.meter.rows(c.now)
	return fmt.Sprintf("%v over %v\n", rows, over)
}
