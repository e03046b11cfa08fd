package doctor

import "time"

// judgeProcesses reports processes that are registered and do not answer.
func judgeProcesses(f Facts, out *findings) {
	if f.Cluster == nil {
		return
	}
	for _, p := range f.Cluster.Processes {
		subject := p.Role + " " + p.Name
		switch {
		case p.Err != "":
			out.add(Fault, subject, "look whether it runs, and whether --advertise is an address that this machine reaches", "it does not answer at %s: %s", p.Addr, p.Err)
		case !p.Serving:
			out.add(Warning, subject, "nothing if it is about to stop or has just started; else read its log", "it does not serve now")
		}
	}
	s := f.Cluster.Status
	if s.Leader == "" {
		out.add(Fault, "coordinator", "start a coordinator: `hachi coordinator`", "none leads: the placement is frozen, and a node that dies is not replaced")
	} else if s.NoLeader != "" {
		out.add(Fault, s.Leader, "read its log", "it leads and does not answer: %s", s.NoLeader)
	}
	if len(s.Routers) == 0 {
		out.add(Fault, "router", "start one: `hachi router`", "none is registered: no request is served")
	}
	if len(s.Nodes) == 0 {
		out.add(Fault, "expert node", "start some: `hachi expertnode`", "none is registered: no request is served")
	}
}

// judgeVersions reports processes of other builds.
func judgeVersions(f Facts, out *findings) {
	if f.Cluster == nil {
		return
	}
	count := map[string]int{}
	for _, p := range f.Cluster.Processes {
		if p.Version != "" {
			count[p.Version]++
		}
	}
	common := ""
	for v, n := range count {
		if n > count[common] || n == count[common] && v < common {
			common = v
		}
	}
	for _, p := range f.Cluster.Processes {
		if p.Version != "" && p.Version != common {
			out.add(Warning, p.Role+" "+p.Name, "finish the rollout: builds are mixed for its length only", "it is %q, most processes are %q", p.Version, common)
		}
	}
}

// judgeClocks reports clocks that differ from this machine's by more than the time of the
// question leaves open.
func judgeClocks(f Facts, out *findings) {
	if f.Cluster == nil {
		return
	}
	for _, p := range f.Cluster.Processes {
		if p.Clock.Differs() {
			out.add(Warning, p.Role+" "+p.Name, "run NTP on both machines: certificates begin and end by the clock", "its clock is %v ahead of this machine's", p.Clock.Offset.Round(10*time.Millisecond))
		}
	}
}
