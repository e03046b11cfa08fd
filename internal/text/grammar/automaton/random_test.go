package automaton

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

const letters = "abc"

// scribble draws random rules that read letters and call one another. Many are
// one small drawing again and again, as counted repeats are.
func scribble(r *rand.Rand) (*Builder, Rule) {
	b := NewBuilder(1 << 12)
	rules := make([]Rule, 1+r.IntN(4))
	for i := range rules {
		rules[i] = b.Rule(fmt.Sprint("rule ", i))
	}
	for _, rule := range rules {
		start, end := b.Body(rule)
		seed, copies := r.Uint64(), 1
		if r.IntN(2) == 0 {
			copies = 2 + r.IntN(5)
		}
		for i := range copies {
			to := b.Node()
			part(b, rand.New(rand.NewPCG(seed, 1)), rules, start, to)
			if i == copies-1 || r.IntN(3) == 0 {
				b.Empty(to, end)
			}
			start = to
		}
	}
	return b, rules[0]
}

func part(b *Builder, r *rand.Rand, rules []Rule, start, end Node) {
	nodes := []Node{start, end}
	for range 1 + r.IntN(3) {
		nodes = append(nodes, b.Node())
	}
	pick := func() Node { return nodes[r.IntN(len(nodes))] }
	for range 3 + r.IntN(6) {
		switch r.IntN(8) {
		case 0:
			b.Empty(pick(), pick())
		case 1, 2, 3:
			b.Call(pick(), rules[r.IntN(len(rules))], pick())
		default:
			lo := letters[r.IntN(len(letters))]
			b.Byte(pick(), lo, min(lo+byte(r.IntN(2)), 'c'), pick())
		}
	}
}

// future is which texts of up to n letters can be read after a Set, whether each
// is recognized, and whether all Sets on the way are plain.
func future(m *Machine, s *Set, letters string, n int) (alive string, plain bool) {
	plain = s.Plain()
	if n == 0 {
		return ".", plain
	}
	for _, b := range []byte(letters) {
		next := m.Step(s, b)
		if next == m.Dead() {
			alive += "-"
			continue
		}
		after, ok := future(m, next, letters, n-1)
		alive, plain = alive+"("+after+")", plain && ok
	}
	return alive, plain
}

// reach lists the Sets after all texts of up to n letters, each once.
func reach(m *Machine, n int) []*Set {
	seen := map[*Set]bool{m.Start(): true}
	all := []*Set{m.Start()}
	for from := 0; n > 0; n-- {
		to := len(all)
		for _, s := range all[from:to] {
			for _, b := range []byte(letters) {
				if next := m.Step(s, b); next != m.Dead() && !seen[next] {
					seen[next] = true
					all = append(all, next)
				}
			}
		}
		from = to
	}
	return all
}

// TestRandomRules: on random rules, under tight limits, no Set is a dead end,
// Open tells the truth, and Sets of one kind have one future.
func TestRandomRules(t *testing.T) {
	built, shared := 0, 0
	for seed := range uint64(30000) {
		r := rand.New(rand.NewPCG(seed, 8))
		b, root := scribble(r)
		p, err := b.Build(root, NewBudget(1<<10, 1<<24))
		if err != nil {
			continue
		}
		horizon := 1 + r.IntN(4)
		m, err := NewMachine(p, Limits{Nesting: 1 + r.IntN(3), Readings: 1 + r.IntN(12), Sets: 1 << 16}, horizon)
		if err != nil {
			continue
		}
		built++
		futures, plain := map[uint64][]string{}, map[uint64]bool{}
		for _, s := range reach(m, 6) {
			next, _ := future(m, s, letters, 1)
			if open := next != "---"; open != s.Open() || !open && !s.Accepting() {
				t.Fatalf("seed %d: next %q, open %v, accepting %v", seed, next, s.Open(), s.Accepting())
			}
			alive, isPlain := future(m, s, letters, horizon)
			futures[s.Kind()] = append(futures[s.Kind()], fmt.Sprint(alive, s.Accepting()))
			plain[s.Kind()] = plain[s.Kind()] || isPlain
		}
		for kind, list := range futures {
			for _, f := range list[1:] {
				if plain[kind] {
					shared++
				}
				if plain[kind] && f != list[0] {
					t.Fatalf("seed %d: a kind has the futures %q and %q", seed, f, list[0])
				}
			}
		}
	}
	if built < 3000 || shared < 5000 {
		t.Errorf("%d rules were built, %d Sets are of one kind with another", built, shared)
	}
}

// TestRandomForgetting: how many Sets are remembered changes nothing.
func TestRandomForgetting(t *testing.T) {
	for seed := range uint64(500) {
		r := rand.New(rand.NewPCG(seed, 9))
		b, root := scribble(r)
		p, err := b.Build(root, NewBudget(1<<10, 1<<24))
		if err != nil {
			continue
		}
		l := Limits{Nesting: 3, Readings: 2, Sets: 1 << 16}
		roomy, err := NewMachine(p, l, 2)
		if err != nil {
			continue
		}
		l.Sets = 1
		tight, err := NewMachine(p, l, 2)
		if err != nil {
			t.Fatal(err)
		}
		x, y := roomy.Start(), tight.Start()
		for i := range 30 {
			c := letters[r.IntN(len(letters))]
			x, y = roomy.Step(x, c), tight.Step(y, c)
			if (x == roomy.Dead()) != (y == tight.Dead()) || x.Accepting() != y.Accepting() || x.Open() != y.Open() || x.Plain() != y.Plain() {
				t.Fatalf("seed %d: they part after %d letters: %+v; %+v", seed, i+1, *x, *y)
			}
		}
	}
}
