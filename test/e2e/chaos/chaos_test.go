package chaos

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/hachi-serve/hachi/test/e2e/internal/harness"
)

var (
	seed     = flag.Uint64("seed", 0, "seed of the faults; 0 chooses one")
	duration = flag.Duration("for", 30*time.Second, "how long faults happen")
	onlyKill = flag.Bool("kills", false, "processes are killed and nothing else happens; the memory of "+spared+" must stay flat")
	kept     = flag.String("keep", "", "directory below which the logs and the timeline of a failed run are kept; that for temporary files when empty")
	hachi    *harness.Program
)

func TestMain(m *testing.M) {
	if config := os.Getenv(memberEnv); config != "" {
		if err := runMember(config); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(harness.Main(m, &hachi))
}

const (
	askers = 4
	// slow is an answer that waited for a fault to end.
	slow = 10 * time.Second
	// settled bounds the wait for a whole placement after the last fault.
	settled = 2 * time.Minute
	// answered bounds the wait for one answer, every fault of a schedule included.
	answered = 3 * time.Minute
)

// TestNoFaultChangesAnAnswer runs a schedule of faults under load.
func TestNoFaultChangesAnAnswer(t *testing.T) {
	harness.Slow(t)
	from := *seed
	if from == 0 {
		from = rand.Uint64()
	}
	t.Logf("replay with: go test ./test/e2e/chaos -run TestNoFaultChangesAnAnswer -seed %d -for %v -kills=%v", from, *duration, *onlyKill)
	w := start(t)
	timeline := &Timeline{Log: t.Logf}
	defer w.report(t, timeline, from)
	asked := requests()
	want := make([]string, len(asked))
	for i, r := range asked {
		for _, g := range w.gates {
			var err error
			if want[i], err = r.ask(t.Context(), g.url); err != nil {
				t.Fatalf("undisturbed: %s: %v", r.body, err)
			}
		}
	}
	w.settle(t, timeline)
	before, err := w.use(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var load, watching sync.WaitGroup
	watching.Go(func() { watch(ctx, w.cluster, timeline) })
	counts, slowest := make([]int, askers), make([]time.Duration, askers)
	for n := range askers {
		load.Go(func() {
			for i := n; ctx.Err() == nil; i += askers {
				took := w.check(t, timeline, w.gates[(i/askers+n)%gateways], asked[i%len(asked)], want[i%len(asked)])
				counts[n], slowest[n] = counts[n]+1, max(slowest[n], took)
			}
		})
	}
	all, joinMemory := menus(w.network != nil), func() {}
	if *onlyKill {
		all, joinMemory = kills(all), w.watchMemory(ctx, timeline, *duration/64)
	}
	faults := Schedule(from, all, *duration)
	w.run(ctx, timeline, faults)
	timeline.Note("the schedule is over")
	w.settle(t, timeline)
	stop()
	load.Wait()
	watching.Wait()
	joinMemory()
	for i, r := range asked {
		w.check(t, timeline, w.gates[i%gateways], r, want[i])
	}
	w.leaks(t.Context(), timeline, before)
	t.Logf("%d faults, %v answers under them, the slowest %v", len(faults), counts, slowest)
}

// report keeps what happened if the test fails.
func (w *world) report(t *testing.T, timeline *Timeline, from uint64) {
	n := timeline.Faults()
	if n == 0 && !t.Failed() {
		return
	}
	t.Errorf("%d faults of the cluster, seed %d", n, from)
	dir, err := os.MkdirTemp(*kept, fmt.Sprintf("hachi-chaos-%d-", from))
	for _, part := range []string{filepath.Join(w.dir, "logs"), filepath.Join(w.dir, "config")} {
		err = errors.Join(err, os.CopyFS(filepath.Join(dir, filepath.Base(part)), os.DirFS(part)))
	}
	logs, unread := readLogs(filepath.Dir(w.dir))
	err = errors.Join(err, unread, os.WriteFile(filepath.Join(dir, "timeline.txt"), []byte(merged(timeline.Lines(), logs)), 0o600))
	t.Logf("the timeline with what every process logged, the logs and the configurations are in %s (%v)", dir, err)
}

// check asks until an answer comes that no fault of the gateway cut, and notes one that
// is not the undisturbed one. It returns how long the last answer took.
func (w *world) check(t *testing.T, timeline *Timeline, g *gate, r request, want string) time.Duration {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), answered)
	defer cancel()
	for {
		began := time.Now()
		got, err := r.ask(ctx, g.url)
		took := time.Since(began)
		switch {
		case err != nil && ctx.Err() == nil && g.excuses(began):
			wait(ctx, again)
			continue
		case err != nil:
			timeline.Fault("a request to %s failed after %v: %v\n%s", g.name, took.Round(time.Millisecond), err, r.body)
		case got != want:
			timeline.Fault("an answer changed: %s\n got %s\nwant %s", r.body, got, want)
		case took > slow:
			timeline.Note("an answer took %v: %s", took.Round(time.Millisecond), r.body)
		}
		return took
	}
}

// run lets every fault happen at its time, and returns when all are over.
func (w *world) run(ctx context.Context, timeline *Timeline, faults []Fault) {
	var all sync.WaitGroup
	began, groups := time.Now(), map[string]*sync.Mutex{}
	for _, f := range faults {
		group := groups[f.Group]
		if group == nil {
			group = &sync.Mutex{}
			groups[f.Group] = group
		}
		all.Go(func() {
			wait(ctx, time.Until(began.Add(f.At)))
			group.Lock() // a start may take longer than the schedule allows
			defer group.Unlock()
			timeline.Note("%v", f)
			err := w.disturb(ctx, f)
			switch {
			case errors.Is(err, os.ErrProcessDone):
				timeline.Note("%s %s: its process has just ended", f.Kind, f.Target)
			case err != nil && f.Kind == Drain:
				timeline.Note("drain %s was not heard: %v", f.Target, err)
			case err != nil:
				timeline.Fault("%v: %v", f, err)
			case f.For > 0:
				timeline.Note("%s %s is over", f.Kind, f.Target)
			}
			wait(ctx, f.Rest)
		})
	}
	all.Wait()
}

// disturb lets a fault happen, behind the gate that it concerns.
func (w *world) disturb(ctx context.Context, f Fault) error {
	for _, g := range w.gates {
		if g.name == f.Target {
			return g.disturb(ctx, w.process(f.Target), f.Kind != Pause, func() error { return w.do(ctx, f) })
		}
	}
	return w.do(ctx, f)
}

// settle waits until the placement is whole.
func (w *world) settle(t *testing.T, timeline *Timeline) {
	var missing error
	for end := time.Now().Add(settled); time.Now().Before(end); wait(t.Context(), time.Second/4) {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		missing = whole(ctx, w.cluster, nodes, replicas)
		cancel()
		if missing == nil {
			timeline.Note("the placement is whole")
			return
		}
	}
	timeline.Fault("%v after the last fault: %v", settled, missing)
}
