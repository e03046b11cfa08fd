package kvcache

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
)

// TestScenarios runs the files of testdata: commands and what they print.
//
//	new blocks=N [reuse=false]
//	acquire NAME tokens=(a*16,b*3) [headroom=N] [compute]
//	commit NAME [tokens=(c*4)] computed=N    tokens are appended
//	grow NAME n=N
//	release NAME
func TestScenarios(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		s := &scenario{}
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string { return s.run(t, d) })
	})
}

type scenario struct {
	pool   *Pool
	tables map[string]*Table
	tokens map[string][]int32
}

func (s *scenario) run(t *testing.T, d *datadriven.TestData) string {
	out := ""
	if d.Cmd == "new" {
		o := Options{Reuse: true}
		d.ScanArgs(t, "blocks", &o.Blocks)
		optional(t, d, "reuse", &o.Reuse)
		s.pool, s.tables, s.tokens = NewPool(o), map[string]*Table{}, map[string][]int32{}
		return s.state()
	}
	name := d.CmdArgs[0].Key
	table := s.tables[name]
	if table == nil {
		table = &Table{}
		s.tables[name] = table
	}
	for _, arg := range d.CmdArgs {
		if arg.Key == "tokens" {
			s.tokens[name] = append(s.tokens[name], parse(t, arg.Vals)...)
		}
	}
	var n int
	switch d.Cmd {
	case "acquire":
		var terms Terms
		optional(t, d, "headroom", &terms.Headroom)
		terms.Compute = d.HasArg("compute")
		out = [...]string{"acquired", "full", "awaited"}[s.pool.Acquire(table, s.tokens[name], terms)] + fmt.Sprintf(", %d positions cached\n", table.Cached())
	case "commit":
		d.ScanArgs(t, "computed", &n)
		s.pool.Commit(table, s.tokens[name], n)
	case "grow":
		d.ScanArgs(t, "n", &n)
		if !s.pool.Grow(table, n) {
			out = "full\n"
		}
	case "release":
		s.pool.Release(table)
	default:
		t.Fatalf("unknown command %s", d.Cmd)
	}
	return out + s.state()
}

func optional(t *testing.T, d *datadriven.TestData, key string, v any) {
	if d.HasArg(key) {
		d.ScanArgs(t, key, v)
	}
}

// parse reads letters with counts as token ids.
func parse(t *testing.T, vals []string) []int32 {
	var out []int32
	for _, v := range vals {
		letter, count, ok := strings.Cut(v, "*")
		n := 1
		if ok {
			var err error
			if n, err = strconv.Atoi(count); err != nil {
				t.Fatal(err)
			}
		}
		out = append(out, slices.Repeat([]int32{int32(letter[0])}, n)...)
	}
	return out
}

func (s *scenario) state() string {
	var live []*Table
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(s.tables)) {
		if table := s.tables[name]; len(table.Blocks) > 0 {
			live = append(live, table)
			lines = append(lines, fmt.Sprintf("%s: %v\n", name, table.Blocks))
		}
	}
	if err := s.pool.Check(live...); err != nil {
		return err.Error() + "\n"
	}
	return fmt.Sprintf("free %d cached %d\n", s.pool.Free()-s.pool.Cached(), s.pool.Cached()) + strings.Join(lines, "")
}
