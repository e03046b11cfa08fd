package balance

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

var (
	served = Model{Fingerprint: "fp", Context: 100}
	start  = time.Unix(1000, 0)
)

// routers are as many routers as there are names.
func routers(ids ...string) []Router {
	var out []Router
	for _, id := range ids {
		out = append(out, Router{ID: id, Addr: id + ":1", Fingerprint: "fp", Context: 100})
	}
	return out
}

// prompt has n blocks and a bit; seed makes it another one.
func prompt(seed, blocks int) []int32 {
	out := make([]int32, blocks*16+3)
	for i := range out {
		out[i] = int32(seed*7919 + i)
	}
	return out
}

// choose fails the test when there is no router.
func choose(t *testing.T, table *Table, now time.Time, p Prefix, avoid ...string) string {
	t.Helper()
	set := map[string]bool{}
	for _, id := range avoid {
		set[id] = true
	}
	r, ok := table.Choose(now, served, p, set)
	if !ok {
		t.Fatal("no router was chosen")
	}
	return r.ID
}

// TestRoutersThatMayBeChosen.
func TestRoutersThatMayBeChosen(t *testing.T) {
	tests := []struct {
		name   string
		events func(table *Table)
		at     time.Duration
		want   []string // over many prompts
	}{
		{"all that are well", func(*Table) {}, 0, []string{"a", "b", "c"}},
		{"not one that drains", func(table *Table) {
			all := routers("a", "b", "c")
			all[1].Draining = true
			table.Update(all)
		}, 0, []string{"a", "c"}},
		{"not one of another model", func(table *Table) {
			all := routers("a", "b", "c")
			all[0].Fingerprint, all[2].Context = "other", 99
			table.Update(all)
		}, 0, []string{"b"}},
		{"not one with other texts", func(table *Table) {
			all := routers("a", "b", "c")
			all[1].Texts = "other"
			table.Update(all)
		}, 0, []string{"a", "c"}},
		{"not one without an address", func(table *Table) {
			all := routers("a", "b", "c")
			all[0].Addr = ""
			table.Update(all)
		}, 0, []string{"b", "c"}},
		{"not one that gossip suspects", func(table *Table) { table.Suspect("b", true) }, 0, []string{"a", "c"}},
		{"one that gossip trusts again", func(table *Table) {
			table.Suspect("b", true)
			table.Suspect("b", false)
		}, 0, []string{"a", "b", "c"}},
		{"one that is suspected, if there is no other", func(table *Table) {
			table.Update(routers("b"))
			table.Suspect("b", true)
			table.Failed("a", start) // it has no record, and is dropped
			table.Failed("c", start)
		}, 0, []string{"b"}},
		{"the suspicion outlives the record", func(table *Table) {
			table.Suspect("b", true)
			table.Update(routers("a", "b"))
		}, 0, []string{"a"}},
		{"not one whose call failed", func(table *Table) { table.Failed("a", start) }, 0, []string{"b", "c"}},
		{"not one whose call failed, after its backoff", func(table *Table) { table.Failed("a", start) }, time.Hour, []string{"b", "c"}},
		{"one whose call failed, after it has answered a probe", func(table *Table) {
			table.Failed("a", start)
			table.Answered("a")
		}, time.Hour, []string{"a", "b", "c"}},
		{"not one that failed again", func(table *Table) {
			table.Failed("a", start)
			table.Answered("a")
			table.Failed("a", start.Add(time.Minute))
		}, time.Hour, []string{"b", "c"}},
		{"one whose call failed, if there is no other", func(table *Table) {
			all := routers("a", "b", "c")
			all[1].Draining, all[2].Draining = true, true
			table.Update(all)
			table.Failed("a", start)
		}, time.Hour, []string{"a"}},
		{"one that answered again", func(table *Table) {
			table.Failed("a", start)
			table.Worked("a")
		}, 0, []string{"a", "b", "c"}},
		{"a new process of the name", func(table *Table) {
			table.Failed("a", start)
			all := routers("a", "b", "c")
			all[0].Addr = "a:2"
			table.Update(all)
		}, 0, []string{"a", "b", "c"}},
		{"those without a record only if there is no other", func(table *Table) { table.Update(routers("a")) }, 0, []string{"a"}},
		{"those without a record while etcd has none", func(table *Table) { table.Update(nil) }, 0, []string{"a", "b", "c"}},
		{"none without a record after a failed call", func(table *Table) {
			table.Update(nil)
			table.Failed("a", start)
			table.Failed("b", start)
		}, time.Hour, []string{"c"}},
		{"none that drained and has gone", func(table *Table) {
			all := routers("a", "b", "c")
			all[0].Draining = true
			table.Update(all)
			table.Update(nil)
		}, 0, []string{"b", "c"}},
	}
	for _, tt := range tests {
		var table Table
		table.Update(routers("a", "b", "c"))
		tt.events(&table)
		seen := map[string]bool{}
		for seed := range 200 {
			if r, ok := table.Choose(start.Add(tt.at), served, NewPrefix(0, prompt(seed, 2)), nil); ok {
				seen[r.ID] = true
			}
		}
		var got []string
		for _, id := range []string{"a", "b", "c"} {
			if seen[id] {
				got = append(got, id)
			}
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

// TestBackoffDoublesAndEnds: the only router is tried again when its backoff has ended,
// and NextTry says when.
func TestBackoffDoublesAndEnds(t *testing.T) {
	var table Table
	table.Update(routers("a"))
	now := start
	for _, want := range []time.Duration{50, 100, 200, 400, 800, 1600, 3200, 5000, 5000} {
		table.Failed("a", now)
		next := table.NextTry(served)
		if got := next.Sub(now); got != want*time.Millisecond {
			t.Errorf("a backoff of %v, want %v ms", got, int(want))
		}
		if _, ok := table.Choose(next.Add(-1), served, Prefix{}, nil); ok {
			t.Error("the router is tried within its backoff")
		}
		if _, ok := table.Choose(next, served, Prefix{}, nil); !ok {
			t.Error("the router is not tried after its backoff")
		}
		now = next
	}
	if next := new(Table).NextTry(served); !next.IsZero() {
		t.Errorf("without routers the next try is at %v", next)
	}
}

// TestOneDeathIsOneFailure, however many calls it ends.
func TestOneDeathIsOneFailure(t *testing.T) {
	var table Table
	table.Update(routers("a"))
	for range 32 {
		table.Failed("a", start)
	}
	if got := table.NextTry(served).Sub(start); got != minBackoff {
		t.Errorf("a backoff of %v after calls that failed at once, want %v", got, minBackoff)
	}
}

// TestFailingRoutersAreProbed until they answer, drain or have gone.
func TestFailingRoutersAreProbed(t *testing.T) {
	var table Table
	table.Update(routers("a"))
	if _, _, failing := table.Failing("a"); failing {
		t.Error("a router that has not failed is failing")
	}
	table.Failed("a", start)
	if r, at, failing := table.Failing("a"); !failing || r.Addr != "a:1" || at != start.Add(minBackoff) {
		t.Errorf("%v at %v, failing %v", r, at, failing)
	}
	for name, event := range map[string]func(*Table){
		"answered": func(table *Table) { table.Answered("a") }, "worked": func(table *Table) { table.Worked("a") },
		"gone": func(table *Table) { table.Update(nil) },
		"drains": func(table *Table) {
			all := routers("a")
			all[0].Draining = true
			table.Update(all)
		},
	} {
		var table Table
		table.Update(routers("a"))
		table.Failed("a", start)
		event(&table)
		if _, _, failing := table.Failing("a"); failing {
			t.Errorf("%s: the router is failing", name)
		}
	}
}

// TestAnswersLeaveARouterThatDrains when another can go on with them.
func TestAnswersLeaveARouterThatDrains(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(all []Router, table *Table)
		want   bool
	}{
		"another is well":             {func([]Router, *Table) {}, true},
		"the other drains too":        {func(all []Router, _ *Table) { all[1].Draining = true }, false},
		"the other has failed":        {func(_ []Router, table *Table) { table.Failed("b", start) }, false},
		"the other has another model": {func(all []Router, _ *Table) { all[1].Fingerprint = "x" }, false},
	} {
		var table Table
		all := routers("a", "b")
		table.Update(all)
		tt.change(all, &table)
		table.Update(all)
		if table.Leaves("a", served) {
			t.Errorf("%s: answers leave a router that does not drain", name)
		}
		all[0].Draining = true
		table.Update(all)
		if got := table.Leaves("a", served); got != tt.want {
			t.Errorf("%s: answers leave is %v, want %v", name, got, tt.want)
		}
	}
}

// TestPrefixesStayTogether: prompts that begin alike go to one router, so does the
// next turn of a conversation, and prompts of another salt do not follow.
func TestPrefixesStayTogether(t *testing.T) {
	var table Table
	table.Update(routers("a", "b", "c", "d", "e"))
	same := 0
	for seed := range 100 {
		long := prompt(seed, 40)
		first := choose(t, &table, start, NewPrefix(0, long[:24])) // a turn of one block
		table.Begin(first, NewPrefix(0, long[:24]))
		table.End(first)
		for turns := 100; turns <= len(long); turns += 100 {
			p := NewPrefix(0, long[:turns])
			if got := choose(t, &table, start, p); got != first {
				t.Fatalf("turn at %d of conversation %d went to %s, the first to %s", turns, seed, got, first)
			}
			table.Begin(first, p)
			table.End(first)
		}
		if choose(t, &table, start, NewPrefix(1, long)) == first {
			same++
		}
	}
	if same > 50 {
		t.Errorf("%d of 100 prompts of another salt followed", same)
	}
}

// TestGatewaysAgree: a gateway that has seen nothing chooses as another one.
func TestGatewaysAgree(t *testing.T) {
	var a, b Table
	a.Update(routers("a", "b", "c", "d"))
	b.Update(routers("d", "c", "b", "a"))
	counts := map[string]int{}
	for seed := range 1000 {
		p := NewPrefix(0, prompt(seed, seed%9))
		got := choose(t, &a, start, p)
		counts[got]++
		if other := choose(t, &b, start, p); other != got {
			t.Fatalf("prompt %d: %s and %s", seed, got, other)
		}
	}
	for id, n := range counts {
		if n < 150 {
			t.Errorf("router %s got %d of 1000 prompts", id, n)
		}
	}
}

// TestFewPromptsMoveWithARouter: when a router goes, only its prompts move.
func TestFewPromptsMoveWithARouter(t *testing.T) {
	var all, fewer Table
	all.Update(routers("a", "b", "c", "d"))
	fewer.Update(routers("a", "b", "d"))
	for seed := range 1000 {
		p := NewPrefix(0, prompt(seed, 3))
		if before, after := choose(t, &all, start, p), choose(t, &fewer, start, p); before != "c" && before != after {
			t.Fatalf("prompt %d moved from %s to %s", seed, before, after)
		}
	}
}

// TestLoadsAreBounded: whatever the prompts and the loads that others report, no
// router gets a request beyond the bound, though all prompts are the same.
func TestLoadsAreBounded(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 0))
		n := 1 + r.IntN(7)
		var all []Router
		for i := range n {
			all = append(all, Router{ID: fmt.Sprint(i), Addr: "x", Fingerprint: "fp", Context: 100, Load: r.IntN(1 + r.IntN(20))})
		}
		var table Table
		table.Update(all)
		p := NewPrefix(0, prompt(1, 8))
		for range 100 {
			id := choose(t, &table, start, p)
			sum := total(slices.Collect(maps.Values(table.routers))) + 1
			if limit, load := capacity(sum, n), table.routers[id].load(); load >= limit {
				t.Fatalf("seed %d: router %s has %d of %d requests at %d routers, the bound is %d", seed, id, load, sum, n, limit)
			}
			table.Begin(id, p)
		}
		for range 100 { // the ends are counted too
			for id := range table.routers {
				table.End(id)
			}
		}
		for id, n := range table.Running() {
			if n != 0 {
				t.Errorf("router %s still has %d requests", id, n)
			}
		}
	}
}

// TestCapacity is the bound of the paper with ε = 1/4.
func TestCapacity(t *testing.T) {
	for _, tt := range []struct{ sum, n, want int }{{1, 1, 2}, {1, 4, 1}, {4, 4, 2}, {32, 3, 14}, {100, 4, 32}, {101, 4, 32}, {103, 4, 33}} {
		if got := capacity(tt.sum, tt.n); got != tt.want {
			t.Errorf("capacity(%d, %d) = %d, want %d", tt.sum, tt.n, got, tt.want)
		}
	}
}

// TestAvoidedRoutersAreNotChosen: those that have refused the request.
func TestAvoidedRoutersAreNotChosen(t *testing.T) {
	var table Table
	table.Update(routers("a", "b"))
	p := NewPrefix(0, prompt(1, 1))
	first := choose(t, &table, start, p)
	if second := choose(t, &table, start, p, first); second == first {
		t.Errorf("%s was chosen again", first)
	}
	if r, ok := table.Choose(start, served, p, map[string]bool{"a": true, "b": true}); ok {
		t.Errorf("%s was chosen, and both are avoided", r.ID)
	}
}

// TestChoicesAreDeterministic: the same events give the same choices, whatever the
// order of maps.
func TestChoicesAreDeterministic(t *testing.T) {
	run := func() (out []string) {
		var table Table
		table.Update(routers("a", "b", "c", "d", "e", "f"))
		r := rand.New(rand.NewPCG(7, 7))
		for i := range 500 {
			p := NewPrefix(0, prompt(r.IntN(10), r.IntN(6)))
			id := choose(t, &table, start.Add(time.Duration(i)*time.Second), p)
			table.Begin(id, p)
			switch out = append(out, id); r.IntN(4) {
			case 0:
				table.Failed(id, start.Add(time.Duration(i)*time.Second))
			case 1:
				table.End(id)
				table.Worked(id)
			}
		}
		return out
	}
	if a, b := run(), run(); !slices.Equal(a, b) {
		t.Errorf("two runs chose %q and %q", a, b)
	}
}

// TestMemoryIsBounded: it forgets the oldest, never more than it may hold.
func TestMemoryIsBounded(t *testing.T) {
	var m memory
	every := func(string) bool { return true }
	first := NewPrefix(0, prompt(0, 4))
	m.add(first, "first")
	if m.longest(first, every) != "first" {
		t.Fatal("a prefix was not remembered")
	}
	for seed := range 4 * memoryBlocks / 64 {
		m.add(NewPrefix(0, prompt(seed+1, 64)), "later")
		if n := len(m.young) + len(m.old); n > 2*memoryBlocks {
			t.Fatalf("%d blocks are remembered, expected at most %d", n, 2*memoryBlocks)
		}
	}
	if got := m.longest(first, every); got != "" {
		t.Errorf("the first prefix is still known: %q", got)
	}
}

// TestBudgetBoundsRetries: ten in a burst, then a fifth of the requests.
func TestBudgetBoundsRetries(t *testing.T) {
	b := NewBudget()
	retries := func(requests int) (n int) {
		for range requests {
			if b.Request(); b.Retry() {
				n++
			}
		}
		return n
	}
	if n := retries(10); n != 10 {
		t.Errorf("%d retries of the first 10 requests", n)
	}
	retries(1000)
	if n := retries(1000); n != 200 {
		t.Errorf("%d retries of 1000 requests, want 200", n)
	}
}

// TestElect: the context is the longest that at least half of the routers of the model
// take, whatever one of them says.
func TestElect(t *testing.T) {
	router := func(id, fingerprint string, context int) Router {
		return Router{ID: id, Addr: id, Fingerprint: fingerprint, Context: context, Texts: "t"}
	}
	foreign, draining, strange := router("f", "x", 1), router("e", "x", 1), router("s", "x", 1)
	foreign.Texts, draining.Draining, strange.Strange = "other", true, true
	for _, tt := range []struct {
		name    string
		routers []Router
		context int // 0 is no model
	}{
		{"none", nil, 0},
		{"one that drains", []Router{draining}, 0},
		{"one whose record is strange", []Router{strange}, 0},
		{"only one with other texts", []Router{foreign}, 0},
		{"only those of another model", []Router{router("a", "y", 5), router("b", "y", 5)}, 0},
		{"one", []Router{router("a", "x", 5)}, 5},
		{"beside more of another model", []Router{router("a", "x", 5), router("b", "a", 7), router("c", "a", 7)}, 5},
		{"beside those that do not count", []Router{router("a", "x", 5), foreign, draining, strange}, 5},
		{"one of two lowers it", []Router{router("a", "x", 1), router("b", "x", 100)}, 100},
		{"one of three lowers it", []Router{router("a", "x", 1), router("b", "x", 100), router("c", "x", 100)}, 100},
		{"one of three raises it", []Router{router("a", "x", 1000), router("b", "x", 100), router("c", "x", 100)}, 100},
		{"one of four raises it", []Router{router("a", "x", 1000), router("b", "x", 100), router("c", "x", 100), router("d", "x", 100)}, 100},
	} {
		var table Table
		table.Update(tt.routers)
		want := Model{}
		if tt.context > 0 {
			want = Model{"x", "t", tt.context}
		}
		if got, ok := table.Elect("x", "t"); got != want || ok != (tt.context > 0) {
			t.Errorf("%s: %v, %v, want %v", tt.name, got, ok, want)
		}
	}
}

// TestALoadThatIsALieLeavesTheOthersBounded: a router that says it has four billion
// requests gets none, and the others share them as if it were busy.
func TestALoadThatIsALieLeavesTheOthersBounded(t *testing.T) {
	var table Table
	all := routers("a", "b", "c", "liar")
	all[3].Load = math.MaxUint32
	table.Update(all)
	p := NewPrefix(0, prompt(1, 8)) // all prompts are the same
	for range 300 {
		table.Begin(choose(t, &table, start, p), p)
	}
	for id, n := range table.Running() {
		if id == "liar" && n != 0 || n > 150 {
			t.Errorf("router %s has %d of 300 requests", id, n)
		}
	}
}

// TestObstacles: why a gateway waits.
func TestObstacles(t *testing.T) {
	ready, draining := Router{ID: "a", Addr: "a", Fingerprint: "x", Context: 8}, Router{ID: "b", Addr: "b", Fingerprint: "x", Context: 8, Draining: true}
	for _, tt := range []struct {
		routers []Router
		model   Model
		want    string
	}{
		{nil, Model{}, "no router is registered"},
		{[]Router{draining}, Model{}, `each router drains, has no placement, or is passed over: ["b"]`},
		{[]Router{draining, ready}, Model{}, ""},
		{[]Router{draining, ready}, Model{Fingerprint: "x", Context: 8}, ""},
		{[]Router{draining, ready}, Model{Fingerprint: "y", Context: 8}, "1 of 2, serve another model"},
		{[]Router{ready}, Model{Fingerprint: "x", Context: 9}, "less context"},
	} {
		var table Table
		table.Update(tt.routers)
		if got := table.Obstacle(tt.model); !strings.Contains(got, tt.want) || (got == "") != (tt.want == "") {
			t.Errorf("%v for %v: %q, want %q", tt.routers, tt.model, got, tt.want)
		}
	}
}
