package dispatch

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/transport/faulty"
	"github.com/hachi-serve/hachi/internal/transport/rowbuf"
	"github.com/hachi-serve/hachi/moe"
)

// usual is how long the nodes of these tests take.
const usual = time.Millisecond

// pair is a dispatcher over two nodes that both hold both experts. Every call
// takes usual, and then what the script says.
func pair(replicas int, script faulty.Script) *Dispatcher {
	a, b := moe.Replica{Node: "a"}, moe.Replica{Node: "b"}
	table := [][]moe.Replica{{a, b}, {b, a}}
	for i := range table {
		table[i] = table[i][:replicas]
	}
	p, err := moe.NewPlacement(1, "f", moe.Uniform(1, 2), table)
	if err != nil {
		panic(err)
	}
	net := faulty.Wrap(slow{}, script)
	d := New(Config{Transport: net, Fingerprint: "f", Wire: tensor.BF16, Hidden: hidden, Topology: moe.Uniform(1, 2)})
	d.Adopt(p)
	return d
}

// slow computes after the usual time.
type slow struct{ node }

func (s slow) Start(_ moe.Replica, c *moe.Call, t *moe.PendingCall) {
	time.AfterFunc(usual, func() {
		reply, err := s.compute(c)
		if err == nil {
			reply.Compute = usual
		}
		c.Release()
		t.Done(reply, err)
	})
}

// layers runs n layers of 4 rows over both experts and returns how long each
// took.
func layers(t *testing.T, d *Dispatcher, n int) []time.Duration {
	t.Helper()
	return layersOf(t, d, n, 4)
}

func layersOf(t *testing.T, d *Dispatcher, n, rows int) []time.Duration {
	t.Helper()
	h, x := tensor.NewMatrix(rows, hidden), tensor.NewMatrix(rows, hidden)
	r := moe.Routing{K: 2}
	for range rows {
		r.Experts, r.Weights = append(r.Experts, 0, 1), append(r.Weights, 0.5, 0.5)
	}
	var took []time.Duration
	for range n {
		began := time.Now()
		if err := d.Forward(t.Context(), 0, h, r, x); err != nil {
			t.Fatal(err)
		}
		took = append(took, time.Since(began))
	}
	return took
}

func p99(took []time.Duration) time.Duration {
	slices.Sort(took)
	return took[len(took)*99/100]
}

// One call in a hundred takes 500 ms more: hedging hides it, for less than a
// twentieth more rows.
func TestHedgesHideRareDelays(t *testing.T) {
	run := func(replicas int) (time.Duration, Stats) {
		var tail time.Duration
		var stats Stats
		synctest.Test(t, func(t *testing.T) {
			d := pair(replicas, func(_ moe.NodeID, nth int, _ *moe.Call) (f faulty.Fault) {
				if nth%100 == 99 {
					f.Delay = 500 * time.Millisecond
				}
				return f
			})
			tail, stats = p99(layers(t, d, 2000)), d.Stats()
		})
		return tail, stats
	}
	with, stats := run(2)
	without, none := run(1)
	if with*5 > without {
		t.Errorf("p99 is %v with hedging and %v without, want at least 5 times better", with, without)
	}
	if stats.Hedges == 0 || float64(stats.HedgedRows) > hedgeShare*float64(stats.Rows) {
		t.Errorf("%d of %d rows were hedged, want some and at most 5 %%", stats.HedgedRows, stats.Rows)
	}
	if stats.HedgesWon == 0 || stats.HedgesWon > stats.Hedges {
		t.Errorf("%d of %d hedges brought their rows", stats.HedgesWon, stats.Hedges)
	}
	if none.Hedges != 0 {
		t.Errorf("%d hedges although there is one replica", none.Hedges)
	}
}

// A node that falls silent stalls one layer for no longer than the longest
// suspicion takes, and gets no rows then.
func TestSilentNodeStallsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		silent := false
		d := pair(2, func(n moe.NodeID, _ int, _ *moe.Call) faulty.Fault {
			return faulty.Fault{Silent: silent && n == "a"}
		})
		layers(t, d, 200)
		silent = true
		took := layers(t, d, 200)
		stalled := 0
		for _, d := range took {
			if d > 2*minSuspect {
				t.Errorf("a layer stalled for %v", d)
			}
			if d > 2*usual {
				stalled++
			}
		}
		if stalled > 5 {
			t.Errorf("%d of 200 layers were late, want the first few", stalled)
		}
		nodes := d.Nodes()
		if len(nodes) != 2 || nodes[0].Node != "a" || nodes[1].Node != "b" {
			t.Fatalf("nodes %+v", nodes)
		}
		if a := nodes[0]; !a.Suspected || a.Suspicions == 0 || a.Answered.Count < 200 {
			t.Errorf("the silent node: %+v", a)
		}
		if b := nodes[1]; b.Suspected || b.Suspicions != 0 || b.Failovers != 0 || b.Answered.Count < 200 {
			t.Errorf("the node that answers: %+v", b)
		}
		silent = false
		time.Sleep(maxSpan)
		before := d.Stats().Calls
		layers(t, d, 10)
		if asked := d.Stats().Calls - before; asked < 15 {
			t.Errorf("%d calls for 10 layers: the node that came back is not asked", asked)
		}
	})
}

// A node that is silent from the first call on costs no timeout either: what is
// known of the others will do.
func TestUnmeasuredSilentNodeStallsShortly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		silent := false
		d := pair(2, func(n moe.NodeID, _ int, _ *moe.Call) faulty.Fault {
			return faulty.Fault{Silent: silent && n == "a"}
		})
		d.Suspect("a")
		layers(t, d, 100)
		if calls := d.Stats().Calls; calls != 100 {
			t.Fatalf("%d calls for 100 layers: the suspect was asked", calls)
		}
		silent = true
		d.Trust("a")
		if took := layers(t, d, 1)[0]; took > 2*minSuspect {
			t.Errorf("the first layer stalled for %v", took)
		}
	})
}

// When every call of a node becomes slow it is the node, not the call: the
// router learns it and stops hedging.
func TestSlowNodeIsLearned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		crawl := false
		d := pair(2, func(moe.NodeID, int, *moe.Call) (f faulty.Fault) {
			if crawl {
				f.Delay = 20 * time.Millisecond
			}
			return f
		})
		layers(t, d, 200)
		crawl = true
		layers(t, d, 200)
		before := d.Stats()
		layers(t, d, 200)
		if after := d.Stats(); after.Hedges > before.Hedges+2 {
			t.Errorf("%d hedges after both nodes were known to be slow", after.Hedges-before.Hedges)
		}
	})
}

func TestHedgeBudgetIsFivePercentAndABurst(t *testing.T) {
	b := budget{}
	b.earn(100)
	for _, tt := range []struct {
		rows int
		ok   bool
	}{{6, false}, {5, true}, {1, false}} {
		if got := b.spend(tt.rows); got != tt.ok {
			t.Errorf("spend %d: %v, want %v", tt.rows, got, tt.ok)
		}
	}
	b.earn(1 << 20)
	if b.spend(hedgeBurst + 1) {
		t.Error("the bucket holds more than its burst")
	}
}

func TestPick(t *testing.T) {
	c := ranking{suspicion: true, now: time.Unix(1000, 0), local: func(addr string) bool { return addr == "near" }}
	tests := []struct {
		name     string
		list     string // names of the replicas, in order
		costs    map[string]float64
		suspects string
		tried    string
		want     moe.NodeID
	}{
		{"equal costs: this host", "ab", nil, "", "", "b"},
		{"equal costs on other hosts: the placement's order", "ca", nil, "", "", "c"},
		{"the cheaper", "ab", map[string]float64{"b": 2, "a": 1}, "", "", "a"},
		{"unsuspected before cheap", "ab", map[string]float64{"b": 2}, "a", "", "b"},
		{"a suspected node when no other is left", "abc", nil, "c", "ab", "c"},
		{"every replica was tried", "abc", nil, "", "abc", ""},
	}
	for _, tt := range tests {
		all := &routes{}
		var list []int32
		var tried []*record
		for _, name := range strings.Split(tt.list, "") {
			addr := "far"
			if name == "b" {
				addr = "near"
			}
			node := &record{travel: tt.costs[name], measured: &measured{}}
			if strings.Contains(tt.suspects, name) {
				node.suspect(c.now, 0)
			}
			if strings.Contains(tt.tried, name) {
				tried = append(tried, node)
			}
			list = append(list, int32(len(list)))
			all.hosts, all.nodes = append(all.hosts, moe.Replica{Node: moe.NodeID(name), Addr: addr}), append(all.nodes, node)
		}
		c.routes = all
		var got moe.NodeID
		if to := c.pick(list, tried); to != none {
			got = all.hosts[to].Node
		}
		if got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

// Two of many are compared, and over the turns each pair comes up.
func TestPairsAreAllCompared(t *testing.T) {
	for n := 2; n <= 5; n++ {
		seen := map[string]bool{}
		for turn := range uint64(n * n * n) {
			a, b := (&ranking{turn: turn}).pair(n)
			if a < 0 || a >= b || b >= n {
				t.Fatalf("n %d turn %d: pair %d, %d", n, turn, a, b)
			}
			seen[fmt.Sprint(a, b)] = true
		}
		if want := n * (n - 1) / 2; len(seen) != want {
			t.Errorf("n %d: %d pairs, want %d", n, len(seen), want)
		}
	}
}

func TestWindow(t *testing.T) {
	var w window
	for range minSamples - 1 {
		if w.observe(time.Millisecond, false) {
			t.Error("a quantile of too few")
		}
	}
	if !w.observe(10*time.Millisecond, false) {
		t.Error("no quantile of enough")
	}
	if p50, _ := w.quantiles(); p50 != time.Millisecond || w.patience() != 10*time.Millisecond {
		t.Errorf("p50 %v, patience %v", p50, w.patience())
	}
	for range 50 {
		w.observe(time.Millisecond, false)
		w.observe(time.Second, true)
		w.observe(time.Millisecond, false)
		w.observe(time.Millisecond, false)
		w.observe(time.Millisecond, false)
	}
	if _, p99 := w.quantiles(); p99 >= time.Second {
		t.Error("rare delays became usual")
	}
	for range windowSize {
		w.observe(time.Second, true)
	}
	if p50, _ := w.quantiles(); p50 != time.Second {
		t.Errorf("p50 is %v after nothing but slow calls", p50)
	}
}

func TestHistogram(t *testing.T) {
	var h Histogram
	for _, d := range []time.Duration{0, Bounds[0], Bounds[0] + 1, Bounds[len(Bounds)-1], time.Hour} {
		h.observe(d)
	}
	want := Histogram{Count: 5, Sum: 2*Bounds[0] + 1 + Bounds[len(Bounds)-1] + time.Hour}
	want.Buckets[0], want.Buckets[1], want.Buckets[len(Bounds)-1] = 2, 1, 1
	if h != want {
		t.Errorf("%+v, want %+v", h, want)
	}
	if !slices.IsSorted(Bounds[:]) {
		t.Error("the bounds do not ascend")
	}
}

// A node that was slow for a while gets its share again: its recovery shows
// only in its replies.
func TestSlowNodeIsTriedAgain(t *testing.T) {
	const rows = 2 * hedgeBurst // too many to hedge, so that the replies come
	synctest.Test(t, func(t *testing.T) {
		crawl := false
		d := pair(2, func(n moe.NodeID, _ int, _ *moe.Call) (f faulty.Fault) {
			if crawl && n == "a" {
				f.Delay = 90 * time.Millisecond
			}
			return f
		})
		layersOf(t, d, 200, rows)
		crawl = true
		layersOf(t, d, 20, rows)
		crawl = false
		time.Sleep(maxSpan)
		before := d.Nodes()[0].Answered.Count
		layersOf(t, d, 100, rows)
		if asked := d.Nodes()[0].Answered.Count - before; asked < 50 {
			t.Errorf("a node that was slow got %d calls of 100 layers", asked)
		}
	})
}

func TestFailoversAreCountedByNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := pair(2, func(n moe.NodeID, _ int, _ *moe.Call) faulty.Fault {
			return faulty.Fault{Failing: n == "a", Fail: moe.Unreachable}
		})
		layers(t, d, 3)
		nodes := d.Nodes()
		if a, b := nodes[0], nodes[1]; a.Failovers == 0 || a.Suspicions != a.Failovers || a.Answered.Count != 0 || b.Failovers != 0 || b.Answered.Count < 3 {
			t.Errorf("nodes %+v", nodes)
		}
	})
}

// instant answers every call at once with rows of its own.
type instant struct{ memory rowbuf.Pool }

func (m *instant) Start(_ moe.Replica, c *moe.Call, t *moe.PendingCall) {
	reply := &moe.Reply{}
	reply.Y, reply.Release = m.memory.Get(c.OutRows() * hidden * 2)
	c.Release()
	t.Done(reply, nil)
}

func (*instant) Cancel(*moe.PendingCall) {}

// BenchmarkForward measures a layer's bookkeeping only: 2 calls over a transport
// that takes no time and makes one object each, the reply.
func BenchmarkForward(b *testing.B) {
	d := pair(2, nil)
	d.cfg.Transport = &instant{}
	const rows = 4
	h, x := tensor.NewMatrix(rows, hidden), tensor.NewMatrix(rows, hidden)
	r := moe.Routing{K: 2}
	for range rows {
		r.Experts, r.Weights = append(r.Experts, 0, 1), append(r.Weights, 0.5, 0.5)
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := d.Forward(b.Context(), 0, h, r, x); err != nil {
			b.Fatal(err)
		}
	}
}
