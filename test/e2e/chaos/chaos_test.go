package chaos

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/hachi-serve/hachi/internal/local"
	"github.com/hachi-serve/hachi/internal/namespaces"
	"github.com/hachi-serve/hachi/internal/weights/mini"
	"github.com/hachi-serve/hachi/test/e2e/internal/harness"
)

var (
	seed     = flag.Uint64("seed", 0, "seed of the faults; 0 chooses one")
	duration = flag.Duration("for", 30*time.Second, "how long faults happen")
	hachi    *harness.Program
)

func TestMain(m *testing.M) { os.Exit(harness.Main(m, &hachi)) }

const (
	nodes    = 3
	replicas = 2
	askers   = 4
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
	t.Logf("replay with: go test ./test/e2e/chaos -run TestNoFaultChangesAnAnswer -seed %d -for %v", from, *duration)
	w := start(t)
	timeline := NewTimeline()
	asked := requests()
	want := make([]string, len(asked))
	for i, r := range asked {
		var err error
		if want[i], err = r.ask(t.Context(), w.cluster.URL()); err != nil {
			t.Fatalf("undisturbed: %s: %v", r.body, err)
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	var load, watching sync.WaitGroup
	watching.Go(func() { watch(ctx, w.cluster, timeline) })
	counts := make([]int, askers)
	for n := range askers {
		load.Go(func() {
			for i := n; ctx.Err() == nil; i += askers {
				w.check(t, timeline, asked[i%len(asked)], want[i%len(asked)])
				counts[n]++
			}
		})
	}
	faults := Schedule(from, menus(nodes, w.network != nil), *duration)
	w.run(ctx, timeline, faults)
	timeline.Note("the schedule is over")
	w.settle(t, timeline)
	stop()
	load.Wait()
	watching.Wait()
	for i, r := range asked {
		w.check(t, timeline, r, want[i])
	}
	t.Logf("%d faults, %v answers under them", len(faults), counts)
	t.Logf("timeline:\n%s", timeline)
	if n := timeline.Faults(); n > 0 {
		t.Errorf("%d faults of the cluster, seed %d", n, from)
	}
}

// names are those of the expert nodes.
func names() (out []string) {
	for i := range nodes {
		out = append(out, fmt.Sprintf("expert-%d", i))
	}
	return out
}

// start starts a cluster that serves hachi-mini.
func start(t *testing.T) *world {
	t.Helper()
	w := &world{}
	model := filepath.Join(t.TempDir(), mini.Name)
	if err := mini.Write(model); err != nil {
		t.Fatal(err)
	}
	dir, host := t.TempDir(), "127.0.0.1"
	var err error
	if w.network, err = namespaces.New(t.Context(), names()...); err != nil {
		t.Logf("no packets vanish: %v", err)
	} else {
		host = w.network.Host()
		t.Cleanup(func() {
			if err := w.network.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	if w.store, err = newStore(t.Context(), dir, host); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.store.stop)
	w.cluster = hachi.Cluster(t, func(c *local.UpConfig) {
		c.Model.Dir, c.DataDir, c.Nodes, c.Routers, c.Placement.Replicas, c.Restart = model, dir, nodes, routers, replicas, true
		c.Etcd = []string{w.store.address}
		if w.network != nil {
			c.Host, c.Exec = w.network.Address, w.network.Command
			c.Security.Insecure = true // the bridge is of this machine only
		}
	}).Cluster
	w.drain = func(ctx context.Context, args ...string) error {
		out, err := exec.CommandContext(ctx, hachi.Binary, append([]string{"drain", "--data-dir", dir}, args...)...).CombinedOutput()
		if err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		return nil
	}
	return w
}

// check asks once and notes an answer that is not the undisturbed one.
func (w *world) check(t *testing.T, timeline *Timeline, r request, want string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), answered)
	defer cancel()
	began := time.Now()
	got, err := r.ask(ctx, w.cluster.URL())
	switch {
	case err != nil:
		timeline.Fault("a request failed after %v: %v\n%s", time.Since(began).Round(time.Millisecond), err, r.body)
	case got != want:
		timeline.Fault("an answer changed: %s\n got %s\nwant %s", r.body, got, want)
	}
}

// run lets every fault happen at its time, and returns when all are over.
func (w *world) run(ctx context.Context, timeline *Timeline, faults []Fault) {
	var all sync.WaitGroup
	began, targets := time.Now(), map[string]*sync.Mutex{}
	for _, f := range faults {
		target := targets[f.Target]
		if target == nil {
			target = &sync.Mutex{}
			targets[f.Target] = target
		}
		all.Go(func() {
			wait(ctx, time.Until(began.Add(f.At)))
			target.Lock() // a start may take longer than the schedule allows
			defer target.Unlock()
			timeline.Note("%v", f)
			err := w.do(ctx, f)
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
		})
	}
	all.Wait()
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
