package status

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hachi-serve/hachi/client"
	"github.com/hachi-serve/hachi/internal/journal"
)

var midnight = time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)

// cluster is a state with two layers of four experts on nodes a, b and c, each expert
// on two of them.
func cluster(at time.Duration) State {
	s := State{At: midnight.Add(at), Known: midnight.Add(at), ExpertBytes: 10}
	s.Cluster = client.Status{Leader: "coordinator-0", Epoch: 1, Routers: []client.RouterStatus{{Router: "router-0", Acked: 1}}}
	for _, name := range []string{"a", "b", "c"} {
		s.Cluster.Nodes = append(s.Cluster.Nodes, client.NodeStatus{Node: name, Addr: name + ":1", State: "serving", Serving: 4, Process: client.Process{Host: "h", PID: 7}})
	}
	nodes := []string{"a", "b", "c", "a"}
	for range 2 {
		var layer [][]string
		for i := range 4 {
			layer = append(layer, []string{nodes[i%3], nodes[i%3+1]})
		}
		s.Cluster.Placement = append(s.Cluster.Placement, layer)
	}
	return s
}

// suspects lets a router of a state suspect nodes.
func (s State) suspects(router string, nodes ...string) State {
	p := Process{ID: router, Role: RouterRole, Started: midnight}
	for _, node := range []string{"a", "b", "c"} {
		p.Hops = append(p.Hops, Hop{Node: node, Suspected: slices.Contains(nodes, node)})
	}
	s.Processes = append(s.Processes, p)
	return s
}

// clock sets the clock of a process.
func (s State) clock(name string, offset time.Duration) State {
	s.Clocks = map[string]Clock{name: {Known: true, Offset: offset, RoundTrip: time.Millisecond}}
	return s
}

// without takes a node's record away.
func (s State) without(node string) State {
	s.Cluster.Nodes = slices.DeleteFunc(slices.Clone(s.Cluster.Nodes), func(n client.NodeStatus) bool { return n.Node == node })
	return s
}

func (s State) change(change func(*client.Status)) State {
	s.Cluster.Nodes, s.Cluster.Routers = slices.Clone(s.Cluster.Nodes), slices.Clone(s.Cluster.Routers)
	change(&s.Cluster)
	return s
}

// moved replaces b by another node everywhere, in the next epoch; "" drops its copies.
func (s State) moved(to string) State {
	return s.change(func(c *client.Status) {
		c.Epoch++
		var placement [][][]string
		for _, layer := range c.Placement {
			var experts [][]string
			for _, nodes := range layer {
				var now []string
				for _, node := range nodes {
					if node == "b" {
						node = to
					}
					if node != "" {
						now = append(now, node)
					}
				}
				experts = append(experts, now)
			}
			placement = append(placement, experts)
		}
		c.Placement = placement
	})
}

func TestWhatHappenedBetweenTwoStates(t *testing.T) {
	before, after := cluster(0), cluster(time.Second)
	drain := func(c *client.Status) { c.Nodes[1].State = "draining" }
	for _, tt := range []struct {
		name          string
		before, after State
		want          string
	}{
		{"the first look", State{}, after, "etcd: the console began to watch: epoch 1, coordinator-0 leads, 3 expert nodes"},
		{"nothing", before, after, ""},
		{"a node joins", before.without("c"), after, "node: c joined at c:1"},
		{"a node dies", before, after.without("b"), "node! b left"},
		{"a node that drained leaves", before.change(drain), after.without("b"), "node: b left"},
		{"a node is not answered", before, after.suspects("router-0", "b"), "node! b does not answer router-0"},
		{"it answers again", before.suspects("router-0", "b"), after.suspects("router-0"), "node: b answers again"},
		{"a node drains", before, after.change(drain), "node: b is draining"},
		{"the drain is taken back", before.change(drain), after, "node: b may serve again"},
		{"another process", before, after.change(func(c *client.Status) { c.Nodes[0].PID = 8 }), "node! a started again as another process"},
		{"a fault of loading", before, after.change(func(c *client.Status) { c.Nodes[0].LoadError = "no memory" }), "node! a cannot load: no memory"},
		{"a router dies", before, after.change(func(c *client.Status) { c.Routers = nil }), "router! router-0 left"},
		{"a router drains", before, after.change(func(c *client.Status) { c.Routers[0].Draining = true }), "router: router-0 is draining"},
		{"a gateway joins", before, after.change(func(c *client.Status) { c.Gateways = []client.GatewayStatus{{Gateway: "g"}} }), "gateway: g joined"},
		{"another leads", before, after.change(func(c *client.Status) { c.Leader = "coordinator-1" }), "leader: coordinator-1 leads"},
		{"none leads", before, after.change(func(c *client.Status) { c.Leader, c.NoLeader = "", "none" }), "leader! no coordinator leads: the placement is frozen"},
		{"the leader is silent", before, after.change(func(c *client.Status) { c.NoLeader = "refused" }), "leader! coordinator-0 leads but does not answer: refused"},
		{"the leader answers", before.change(func(c *client.Status) { c.NoLeader = "refused" }), after, "leader: the leader answers again"},
		{"degraded", before, after.change(func(c *client.Status) { c.Degraded = "too few nodes" }), "placement! the placement is degraded: too few nodes"},
		{"as it should be", before.change(func(c *client.Status) { c.Degraded = "too few nodes" }), after, "placement: the placement is as the policy asks"},
		{"etcd is away", before, State{At: after.At, Fault: "timeout"}, "etcd! the records cannot be read: timeout"},
		{"etcd is still away", State{Fault: "timeout"}, State{At: after.At, Fault: "other"}, ""},
		{"etcd is back", func() State { s := before; s.Fault = "timeout"; return s }(), after, "etcd: the records can be read again"},
		{"a clock is wrong", before, after.clock("a", -3*time.Second), "clock! the clock of a is 3s behind this machine's"},
		{"a clock is wrong from the first look on", State{}, after.clock("a", time.Minute),
			"etcd: the console began to watch: epoch 1, coordinator-0 leads, 3 expert nodes|clock! the clock of a is 1m0s ahead of this machine's"},
		{"a clock is still wrong", before.clock("a", time.Minute), after.clock("a", 2*time.Minute), ""},
		{"a clock is right again", before.clock("a", time.Minute), after.clock("a", 20*time.Millisecond), "clock: the clock of a is right again"},
		{"a node's experts move", before, after.without("b").moved("c"), "node! b left|placement: epoch 2: b left (4 copies gained, 6 lost)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, e := range Differences(tt.before, tt.after) {
				mark := ":"
				if e.Bad {
					mark = "!"
				}
				got = append(got, fmt.Sprintf("%s%s %s", e.Kind, mark, e.Text))
				if !e.At.Equal(tt.after.At) {
					t.Errorf("the event is of %v", e.At)
				}
			}
			if strings.Join(got, "|") != tt.want {
				t.Errorf("events %q\nwant   %q", strings.Join(got, "|"), tt.want)
			}
		})
	}
}

func TestWhyThePlacementChanged(t *testing.T) {
	before, after := cluster(0), cluster(time.Second)
	drain := func(c *client.Status) { c.Nodes[1].State = "draining" }
	onlyEpoch := func(c *client.Status) { c.Epoch++ }
	oneCopy := func(c *client.Status) {
		c.Placement = [][][]string{append([][]string{{"a"}}, c.Placement[0][1:]...), c.Placement[1]}
	}
	for _, tt := range []struct {
		name          string
		before, after State
		why           string
		gained, lost  int
	}{
		{"first", before.change(func(c *client.Status) { c.Epoch, c.Placement = 0, nil }), after, "the first placement", 16, 0},
		{"death", before, after.without("b").moved("c"), "b left", 4, 6},
		{"death that only a router has noticed", before, after.suspects("router-0", "b").moved(""), "b left", 0, 6},
		{"drain", before, after.change(drain).moved(""), "b drains", 0, 6},
		{"join", before, after.change(func(c *client.Status) { c.Nodes = append(c.Nodes, client.NodeStatus{Node: "d"}) }).moved("d"), "d joined", 6, 6},
		{"load", before, after.moved("c"), "load moved to other nodes", 4, 6},
		{"fewer copies", before, after.moved(""), "copies were dropped", 0, 6},
		{"more copies", before.change(oneCopy), after.change(onlyEpoch), "copies were loaded", 1, 0},
		{"nothing", before, after.change(onlyEpoch), "addresses or the order of replicas changed", 0, 0},
	} {
		c, ok := Changed(tt.before, tt.after)
		if !ok || c.Gained != tt.gained || c.Lost != tt.lost || c.Bytes != uint64(10*tt.gained) || !strings.HasPrefix(c.Why, tt.why) || c.Leader != "coordinator-0" {
			t.Errorf("%s: %+v, %v; want %q, %d gained, %d lost", tt.name, c, ok, tt.why, tt.gained, tt.lost)
		}
	}
	if _, ok := Changed(before, after); ok {
		t.Error("the same epoch is a change")
	}
	if _, ok := Changed(State{}, after); ok {
		t.Error("the first look is a change")
	}
}

func TestVerdict(t *testing.T) {
	for _, tt := range []struct {
		name      string
		state     State
		why       string
		zero, one int
	}{
		{"all is well", cluster(0), "", 0, 0},
		{"a node is gone", cluster(0).without("b"), "", 0, 6},
		{"a node is suspected", cluster(0).suspects("router-0", "b"), "", 0, 6},
		{"two nodes are gone", cluster(0).suspects("router-0", "b").without("c"), "2 experts have no replica that answers", 2, 6},
		{"no router", cluster(0).change(func(c *client.Status) { c.Routers = nil }), "no router takes requests", 0, 0},
		{"a router drains", cluster(0).change(func(c *client.Status) { c.Routers[0].Draining = true }), "no router takes requests", 0, 0},
		{"no placement", cluster(0).change(func(c *client.Status) { c.Epoch, c.Placement = 0, nil }), "no placement is published yet", 0, 0},
	} {
		v := tt.state.Verdict()
		if v.Why != tt.why || v.Serves != (tt.why == "") || len(v.Zero) != tt.zero || v.One != tt.one {
			t.Errorf("%s: %+v", tt.name, v)
		}
	}
	s := cluster(0)
	s.Fault = "timeout"
	if v := s.Verdict(); v.Serves || !strings.Contains(v.Why, "timeout") {
		t.Errorf("without records: %+v", v)
	}
}

// counting counts tokens, with a latency for each.
func counting(role, id string, tokens int, each time.Duration) Process {
	p := Process{ID: id, Role: role, Started: midnight, Load: 1, Queue: 2, KVUsage: 0.5}
	p.Tokens = uint64(tokens)
	p.First.Observe(3*each, 1)
	p.Next.Observe(each, tokens)
	return p
}

// TestADayOfHistoryIsBounded: samples of a day and no more, and of what happened since
// the one before only.
func TestADayOfHistoryIsBounded(t *testing.T) {
	r := NewRecorder()
	var s State
	for i := range KeepSamples + 50 {
		s = cluster(time.Duration(i) * SampleEvery)
		s.Processes = []Process{counting(RouterRole, "router-0", 100*i, 20*time.Millisecond)}
		s.Cluster.Leader = fmt.Sprint("coordinator-", i%2)
		s.Cluster.Epoch = uint64(i + 1)
		r.Observe(s)
	}
	all := r.Samples(time.Time{})
	if len(all) != KeepSamples || !all[len(all)-1].At.Equal(s.At) || s.At.Sub(all[0].At) > 24*time.Hour {
		t.Errorf("%d samples, the last of %v", len(all), all[len(all)-1].At)
	}
	last := r.Latest()
	if last.TokensPerSecond != 10 || last.Running != 1 || last.Waiting != 2 || last.KVUsage != 0.5 || last.Nodes != 3 || last.Zero != 0 || last.One != 0 {
		t.Errorf("sample %+v", last)
	}
	if p := last.NextP50; p < 0.02 || p > 0.026 {
		t.Errorf("the median between tokens is %g s", p)
	}
	if n := len(r.Samples(s.At.Add(-time.Minute))); n != 7 {
		t.Errorf("%d samples of the last minute", n)
	}
	if n := len(r.Events()); n != KeepEvents {
		t.Errorf("%d events", n)
	}
	if n := len(r.Changes()); n != KeepChanges {
		t.Errorf("%d changes", n)
	}
	if e := r.Events(); e[0].Number <= e[1].Number || e[0].At.Before(e[1].At) {
		t.Error("the newest event is not the first")
	}
	r.Observe(cluster(time.Duration(KeepSamples+60)*SampleEvery + 24*time.Hour))
	if e, c := r.Events(), r.Changes(); len(e) > 4 || len(c) > 1 {
		t.Errorf("a day later there are %d events and %d changes", len(e), len(c))
	}
}

// TestAFaultKeepsWhatWasRead: while etcd is away the last records are shown.
func TestAFaultKeepsWhatWasRead(t *testing.T) {
	r := NewRecorder()
	r.Observe(cluster(0))
	r.Observe(State{At: midnight.Add(time.Second), Fault: "timeout"})
	s := r.State()
	if s.Fault == "" || len(s.Cluster.Nodes) != 3 || !s.Known.Equal(midnight) {
		t.Errorf("state %+v", s)
	}
	r.Observe(cluster(2 * time.Second))
	var got []string
	for _, e := range r.Events() {
		got = append(got, e.Text)
	}
	if len(got) != 3 || got[0] != "the records can be read again" {
		t.Errorf("events %q", got)
	}
}

// TestAGatewayShowsTheCausesThatRoutersNoted: of the same request at the same time.
func TestAGatewayShowsTheCausesThatRoutersNoted(t *testing.T) {
	at := func(seconds float64) time.Time { return midnight.Add(time.Duration(seconds * float64(time.Second))) }
	s := cluster(10 * time.Second)
	s.Cluster.Gateways = []client.GatewayStatus{{Gateway: "g"}}
	g := Process{ID: "g", Role: GatewayRole, Started: midnight}
	g.Running = []journal.Request{{Number: 2, ID: "y", Phase: journal.Decoding, Began: at(8)}, {Number: 3, ID: "z", Phase: journal.Waiting, Began: at(9)}}
	g.Ended = []journal.Request{{Number: 1, ID: "x", Phase: journal.Done, Felt: 2, Stalls: []journal.Stall{
		{At: at(3), Took: time.Second, Cause: journal.UnknownCause}, {At: at(6), Took: time.Second, Cause: "moved from router-1"},
	}}}
	r := Process{ID: "router-0", Role: RouterRole, Started: midnight}
	r.Ended = []journal.Request{{Number: 9, ID: "x", Phase: journal.Done, Stalls: []journal.Stall{
		{At: at(2.9), Took: 800 * time.Millisecond, Cause: "failover from a"}, {At: at(4.5), Took: 100 * time.Millisecond, Cause: "hedge"}, {At: at(5.9), Took: time.Second, Cause: "L0/E1 has no replica"},
	}}}
	s.Processes = []Process{g, r}
	rec := NewRecorder()
	rec.Observe(s)
	running, ended := rec.Requests()
	if len(running) != 2 || running[0].ID != "z" || len(ended) != 1 || ended[0].Process != "g" {
		t.Fatalf("running %+v, ended %+v", running, ended)
	}
	var got []string
	for _, stall := range ended[0].Stalls {
		got = append(got, stall.Cause)
	}
	if want := "failover from a|moved from router-1; L0/E1 has no replica"; strings.Join(got, "|") != want {
		t.Errorf("causes %q, want %q", strings.Join(got, "|"), want)
	}
	for i := range 2 * KeepRequests {
		g.Ended = []journal.Request{{Number: uint64(i), ID: "x", Phase: journal.Done}}
		s.Processes = []Process{g}
		rec.Observe(s)
	}
	if _, ended := rec.Requests(); len(ended) != KeepRequests {
		t.Errorf("%d requests are kept", len(ended))
	}
}

// TestHopsAreThoseOfTheLastMinute and not of the whole life of a router.
func TestHopsAreThoseOfTheLastMinute(t *testing.T) {
	rec := NewRecorder()
	for i := range 20 {
		s := cluster(time.Duration(i) * SampleEvery)
		p := counting(RouterRole, "router-0", 0, time.Millisecond)
		h := Hop{Node: "a", Bytes: uint64(1000 * i), HedgesWon: uint64(i), Failovers: 5}
		h.Calls.Observe(time.Second, 100)
		h.Calls.Observe(time.Millisecond, 10*i)
		p.Hops = []Hop{h}
		s.Processes = []Process{p}
		rec.Observe(s)
	}
	hops, seconds := rec.Hops()
	h := hops["router-0"][0]
	if seconds < 60 || seconds > 80 || h.Bytes != uint64(100*seconds) || h.Failovers != 0 || h.HedgesWon != uint64(seconds/10) || h.Calls.Quantile(1) > 2*time.Millisecond {
		t.Errorf("%g s: %+v", seconds, h)
	}
	if calls := rec.NodeCalls()["a"]; calls != h.Calls {
		t.Errorf("calls of the node %v", calls)
	}
}

// TestAWatcherLooksOftenWhileSomebodyWatches and seldom otherwise.
func TestAWatcherLooksOftenWhileSomebodyWatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := NewWatcher()
		var looks atomic.Int64
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			w.Run(ctx, func(context.Context) State {
				looks.Add(1)
				s := cluster(0)
				s.At = time.Now()
				return s
			})
		}()
		during := func(d time.Duration) int {
			synctest.Wait()
			before := looks.Load()
			time.Sleep(d)
			synctest.Wait()
			return int(looks.Load() - before)
		}
		if n := during(time.Minute); n != 6 {
			t.Errorf("%d looks in a minute while no person watches", n)
		}
		changed := w.Changed()
		leave := w.Follow()
		synctest.Wait()
		select {
		case <-changed:
		default:
			t.Error("one who begins to follow waits for the next look")
		}
		if n := during(time.Minute); n != 60 {
			t.Errorf("%d looks in a minute while a person follows", n)
		}
		leave()
		time.Sleep(2 * time.Minute)
		if n := during(time.Minute); n != 6 {
			t.Errorf("%d looks in a minute afterwards", n)
		}
		w.Ask()
		if n := during(20 * time.Second); n < 19 {
			t.Errorf("%d looks in 20 s after a question", n)
		}
		cancel()
		<-done
	})
}
