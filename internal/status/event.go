package status

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/hachi-serve/hachi/client"
)

// Event is something that happened in a cluster.
type Event struct {
	Number uint64 // from 1, in one Recorder
	At     time.Time
	Kind   Kind
	Text   string
	Bad    bool // an operator may have to act
}

// Kind says what an event is about.
type Kind string

// Kinds.
const (
	NodeEvent      Kind = "node"
	RouterEvent    Kind = "router"
	GatewayEvent   Kind = "gateway"
	LeaderEvent    Kind = "leader"
	PlacementEvent Kind = "placement"
	RecordsEvent   Kind = "etcd"
	ClockEvent     Kind = "clock"
)

// Kinds are all, in their order.
func Kinds() []Kind {
	return []Kind{NodeEvent, RouterEvent, GatewayEvent, LeaderEvent, PlacementEvent, RecordsEvent, ClockEvent}
}

// differences collects events between two states.
type differences struct {
	at  time.Time
	all []Event
}

func (d *differences) add(kind Kind, bad bool, format string, args ...any) {
	d.all = append(d.all, Event{At: d.at, Kind: kind, Text: fmt.Sprintf(format, args...), Bad: bad})
}

// Differences are the events between two states, the earlier first. Of the first
// state that has records there is one event only: nothing is known of what was before.
func Differences(before, after State) []Event {
	d := &differences{at: after.At}
	if after.Fault != "" {
		if before.Fault == "" {
			d.add(RecordsEvent, true, "the records cannot be read: %s", after.Fault)
		}
		return d.all // what is shown is old
	}
	if before.Fault != "" {
		d.add(RecordsEvent, false, "the records can be read again")
	}
	if before.Known.IsZero() {
		d.add(RecordsEvent, false, "the console began to watch: %s, %s", headline(after.Cluster), plural(len(after.Cluster.Nodes), "expert node", "expert nodes"))
		d.clocks(before, after)
		return d.all
	}
	d.nodes(before, after)
	d.members(before.Cluster, after.Cluster)
	d.leader(before.Cluster, after.Cluster)
	d.placement(before, after)
	d.clocks(before, after)
	return d.all
}

// nodes compares expert nodes and what routers think of them.
func (d *differences) nodes(before, after State) {
	was := map[string]client.NodeStatus{}
	for _, n := range before.Cluster.Nodes {
		was[n.Node] = n
	}
	for _, n := range after.Cluster.Nodes {
		old, known := was[n.Node]
		delete(was, n.Node)
		switch {
		case !known:
			d.add(NodeEvent, false, "%s joined at %s", n.Node, n.Addr)
		case old.Process != n.Process && old.PID != 0 && n.PID != 0:
			d.add(NodeEvent, true, "%s started again as another process", n.Node)
		case (old.State == "draining") != (n.State == "draining"):
			d.add(NodeEvent, false, "%s %s", n.Node, map[bool]string{true: "is draining", false: "may serve again"}[n.State == "draining"])
		}
		if n.LoadError != "" && n.LoadError != old.LoadError {
			d.add(NodeEvent, true, "%s cannot load: %s", n.Node, n.LoadError)
		}
	}
	for _, n := range before.Cluster.Nodes {
		if _, gone := was[n.Node]; gone {
			d.add(NodeEvent, n.State != "draining" && n.Serving > 0, "%s left", n.Node)
		}
	}
	for _, n := range after.Cluster.Nodes {
		switch old, now := before.SuspectedBy(n.Node), after.SuspectedBy(n.Node); {
		case len(old) == 0 && len(now) > 0:
			d.add(NodeEvent, true, "%s does not answer %s", n.Node, strings.Join(now, ", "))
		case len(old) > 0 && len(now) == 0:
			d.add(NodeEvent, false, "%s answers again", n.Node)
		}
	}
}

// member is a router or a gateway.
type member struct {
	name     string
	process  client.Process
	draining bool
}

// members compares routers and gateways.
func (d *differences) members(before, after client.Status) {
	routers := func(s client.Status) (out []member) {
		for _, r := range s.Routers {
			out = append(out, member{r.Router, r.Process, r.Draining})
		}
		return out
	}
	gateways := func(s client.Status) (out []member) {
		for _, g := range s.Gateways {
			out = append(out, member{g.Gateway, g.Process, false})
		}
		return out
	}
	d.comings(RouterEvent, routers(before), routers(after))
	d.comings(GatewayEvent, gateways(before), gateways(after))
}

func (d *differences) comings(kind Kind, before, after []member) {
	find := func(all []member, name string) (member, bool) {
		i := slices.IndexFunc(all, func(m member) bool { return m.name == name })
		if i < 0 {
			return member{}, false
		}
		return all[i], true
	}
	for _, m := range after {
		switch old, known := find(before, m.name); {
		case !known:
			d.add(kind, false, "%s joined", m.name)
		case old.process != m.process && old.process.PID != 0 && m.process.PID != 0:
			d.add(kind, true, "%s started again as another process", m.name)
		case m.draining && !old.draining:
			d.add(kind, false, "%s is draining", m.name)
		}
	}
	for _, m := range before {
		if _, there := find(after, m.name); !there {
			d.add(kind, !m.draining, "%s left", m.name)
		}
	}
}

// leader compares who leads and what the leader says.
func (d *differences) leader(before, after client.Status) {
	switch {
	case before.Leader == after.Leader:
	case after.Leader == "":
		d.add(LeaderEvent, true, "no coordinator leads: the placement is frozen")
	default:
		d.add(LeaderEvent, false, "%s leads", after.Leader)
	}
	switch {
	case after.NoLeader == "" && before.NoLeader != "":
		d.add(LeaderEvent, false, "the leader answers again")
	case after.NoLeader != "" && before.NoLeader == "" && after.Leader != "":
		d.add(LeaderEvent, true, "%s leads but does not answer: %s", after.Leader, after.NoLeader)
	}
	switch {
	case after.NoLeader != "" || before.Degraded == after.Degraded:
	case after.Degraded == "":
		d.add(PlacementEvent, false, "the placement is as the policy asks")
	default:
		d.add(PlacementEvent, true, "the placement is degraded: %s", after.Degraded)
	}
}

// placement compares epochs.
func (d *differences) placement(before, after State) {
	if c, ok := Changed(before, after); ok {
		d.add(PlacementEvent, false, "epoch %d: %s", c.Epoch, c.Why)
	}
}

// clocks compares the clocks of processes with this machine's. Times of events are this
// machine's, whatever the others have.
func (d *differences) clocks(before, after State) {
	for _, name := range slices.Sorted(maps.Keys(after.Clocks)) {
		switch was, is := before.Clocks[name], after.Clocks[name]; {
		case is.Differs() && !was.Differs():
			side := "ahead of"
			if is.Offset < 0 {
				side = "behind"
			}
			d.add(ClockEvent, true, "the clock of %s is %v %s this machine's", name, is.Offset.Abs().Round(10*time.Millisecond), side)
		case was.Differs() && !is.Differs():
			d.add(ClockEvent, false, "the clock of %s is right again", name)
		}
	}
}
