package console

import (
	"strconv"
	"strings"

	"github.com/hachi-serve/hachi/client"
	"github.com/hachi-serve/hachi/internal/status"
)

// nodesBody is what the page of nodes shows.
type nodesBody struct {
	Nodes   []nodeRow
	Members []memberRow
	MayAct  bool
}

// nodeRow is an expert node.
type nodeRow struct {
	Name, State, Kind, Zone, Addr   string
	Clock                           string // how wrong its clock is; "" is right or not known
	Resident, Capacity, Serving     string
	Rate, P50, P99                  string
	Suspected                       string // by which routers; "" by none
	Epoch                           uint64
	Version, LoadError              string
	Draining, Current, HasDrainLink bool
}

// memberRow is a router, a gateway or a coordinator.
type memberRow struct {
	Name, Role, State, Addr, Load, KV, Version string
	Clock                                      string
	Epoch                                      uint64
}

func (c *Console) nodes(v view) any {
	s, calls := v.state, c.Watcher.NodeCalls()
	out := nodesBody{MayAct: v.who.MayAct}
	for _, n := range s.Cluster.Nodes {
		row := nodeRow{
			Name: n.Node, State: n.State, Kind: n.Backend, Zone: n.Zone, Addr: n.Addr, Resident: size(float64(n.Bytes)), Capacity: "no limit",
			Serving: plural(n.Serving, "expert", "experts"), Rate: count(n.RowsPerSecond), P50: span(calls[n.Node].Quantile(0.5)), P99: span(calls[n.Node].Quantile(0.99)),
			Suspected: strings.Join(s.SuspectedBy(n.Node), ", "), Epoch: n.Epoch, Version: version(n.Process), LoadError: n.LoadError,
			Draining: n.State == "draining", Current: n.Epoch >= s.Cluster.Epoch, Clock: clockOf(s, n.Node),
		}
		if n.Capacity > 0 {
			row.Capacity = size(float64(n.Capacity))
		}
		row.HasDrainLink = v.who.MayAct
		out.Nodes = append(out.Nodes, row)
	}
	out.Members = members(s)
	return out
}

func version(p client.Process) string {
	if p.Version == "" {
		return "–"
	}
	return p.Version
}

// members are all processes but the expert nodes.
func members(s status.State) (out []memberRow) {
	for _, g := range s.Cluster.Gateways {
		row := memberRow{Name: g.Gateway, Role: "gateway", State: "serving", Addr: g.HTTP, Version: version(g.Process)}
		row.load(s, status.GatewayRole)
		out = append(out, row)
	}
	for _, r := range s.Cluster.Routers {
		row := memberRow{Name: r.Router, Role: "router", State: "serving", Addr: r.HTTP, Version: version(r.Process), Epoch: r.Acked}
		switch {
		case r.Draining:
			row.State = "draining"
		case r.Acked == 0:
			row.State = "waits for a placement"
		}
		row.load(s, status.RouterRole)
		out = append(out, row)
	}
	if s.Cluster.Leader != "" {
		state := "leads"
		if s.Cluster.NoLeader != "" {
			state = "leads, but does not answer"
		}
		out = append(out, memberRow{Name: s.Cluster.Leader, Role: "coordinator", State: state, Addr: "–", Load: "–", KV: "–", Version: "–"})
	}
	for _, name := range s.Cluster.Standbys {
		out = append(out, memberRow{Name: name, Role: "coordinator", State: "stands by", Addr: "–", Load: "–", KV: "–", Version: "–"})
	}
	for i := range out {
		out[i].Clock = clockOf(s, out[i].Name)
	}
	return out
}

// clockOf says how wrong the clock of a process is; "" if it is right or not known.
func clockOf(s status.State, name string) string {
	c := s.Clocks[name]
	switch {
	case !c.Differs():
		return ""
	case c.Offset < 0:
		return span(-c.Offset) + " behind"
	}
	return span(c.Offset) + " ahead"
}

// load adds what a process says of its load.
func (m *memberRow) load(s status.State, role string) {
	m.Load, m.KV = "does not answer", "–"
	p, ok := s.Process(role, m.Name)
	if !ok {
		return
	}
	m.Load = strconv.Itoa(p.Load) + " running, " + strconv.Itoa(p.Queue) + " waiting"
	if role == status.RouterRole {
		m.KV = strconv.Itoa(int(100*p.KVUsage+0.5)) + " %"
	}
}
