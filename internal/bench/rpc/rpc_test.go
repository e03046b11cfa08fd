package rpc

import (
	"encoding/json"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// childEnv makes the test binary a child of a measurement.
const childEnv = "HACHI_TEST_RPC_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		if err := Child(os.Args[1:], os.Stdin, os.Stdout); err != nil {
			panic(err)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

func child(args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), childEnv+"=1")
	return cmd
}

func TestEveryWayOnEveryShape(t *testing.T) {
	c := Config{
		Child: child, Shapes: Shapes([]int{RowBytes, 64 << 10}, []int{1, 2}, 3),
		Pins: []Pin{Unpinned}, Cores: []Cores{Idle}, Rounds: 2, Span: 5 * time.Millisecond,
	}
	if runtime.GOOS == "linux" {
		c.Pins, c.Cores = append(c.Pins, Same), append(c.Cores, Awake)
	}
	for _, c.Unix = range []bool{false, true} {
		if c.Unix {
			c.Spin = 20 * time.Microsecond
		}
		r, err := Run(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		if want := len(c.Pins) * len(c.Cores) * len(c.Shapes) * len(variants); len(r.Results) != want {
			t.Errorf("%d results, want %d", len(r.Results), want)
		}
		for _, s := range r.Results {
			if s.Trips < c.Rounds || s.P50 <= 0 || s.P99 < s.P50 || s.ToRaw <= 0 || s.ToUnary <= 0 {
				t.Errorf("%+v", s)
			}
			if s.Variant == Raw && s.ToRaw != 1 {
				t.Errorf("raw is %g times itself", s.ToRaw)
			}
		}
		var text strings.Builder
		if r.WriteText(&text); strings.Count(text.String(), "unary") < len(r.Results)/len(variants) {
			t.Errorf("a row is missing:\n%s", &text)
		}
		if _, err := json.Marshal(r); err != nil {
			t.Error(err)
		}
	}
}

// After a measurement the process runs where it ran before.
func TestTheProcessComesBack(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("processes are pinned on Linux alone")
	}
	before, err := allowed()
	if err != nil {
		t.Fatal(err)
	}
	procs := runtime.GOMAXPROCS(0)
	_, err = Run(t.Context(), Config{Child: child, Shapes: Shapes([]int{RowBytes}, []int{1}, 1), Pins: []Pin{Same}, Cores: []Cores{Idle}, Rounds: 1, Span: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	after, err := allowed()
	if err != nil {
		t.Fatal(err)
	}
	if len(after) != len(before) || runtime.GOMAXPROCS(0) != procs {
		t.Errorf("%v cores and %d threads became %v and %d", before, procs, after, runtime.GOMAXPROCS(0))
	}
}

func TestValidateTellsEverything(t *testing.T) {
	err := Config{Shapes: []Shape{{100, 0, 1}}, Pins: []Pin{"near"}, Cores: []Cores{"hot"}}.Validate()
	for _, want := range []string{"100 bytes", "0 nodes", `"near"`, `"hot"`, "0 rounds"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not tell of %s", err, want)
		}
	}
	if err := (Config{}).Validate(); err == nil || !strings.Contains(err.Error(), "nothing to measure") {
		t.Errorf("an empty configuration: %v", err)
	}
}

func TestChildWantsToKnowWhatItIs(t *testing.T) {
	if err := Child([]string{"node"}, strings.NewReader(""), os.Stdout); err == nil {
		t.Error("no error")
	}
}

// BenchmarkHop is for profiles: go test -run xxx -bench Hop -cpuprofile cpu.out
// ./bench/rpc
func BenchmarkHop(b *testing.B) {
	c := Config{Child: child, Shapes: Shapes([]int{RowBytes}, []int{1}, 1)}
	p, err := start(c, Unpinned, Idle)
	if err != nil {
		b.Fatal(err)
	}
	defer p.end()
	for at, v := range variants {
		b.Run(string(v), func(b *testing.B) {
			t, err := c.open(v, p.certificates.router, p.addrs(at, 1), make([]byte, RowBytes))
			if err != nil {
				b.Fatal(err)
			}
			defer t.close()
			b.ReportAllocs()
			for b.Loop() {
				if err := t.once(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
