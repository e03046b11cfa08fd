package chaos

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/hachi-serve/hachi/internal/local"
)

// menus are what may happen in a cluster of some expert nodes.
func menus(nodes int) []Menu {
	out := []Menu{
		{"coordinator-0", []Kind{Kill, Pause, Leave}},
		{etcd, []Kind{Gone, Gone, Wiped}},
	}
	for i := range nodes {
		out = append(out, Menu{fmt.Sprintf("expert-%d", i), []Kind{Kill, Kill, Pause, Leave, Drain}})
	}
	return out
}

// world is the cluster that faults happen to.
type world struct {
	cluster *local.Cluster
	dir     string // data directory
	// drain runs `hachi drain` with arguments; its failure is no fault of the cluster
	// while etcd or the coordinator is away.
	drain func(ctx context.Context, args ...string) error
}

// do makes a fault happen, and returns when it is over.
func (w *world) do(ctx context.Context, f Fault) error {
	switch f.Kind {
	case Kill:
		return w.signal(f.Target, syscall.SIGKILL)
	case Leave:
		return w.signal(f.Target, syscall.SIGTERM)
	case Pause:
		if err := w.signal(f.Target, syscall.SIGSTOP); err != nil {
			return err
		}
		wait(ctx, f.For)
		return w.signal(f.Target, syscall.SIGCONT)
	case Drain:
		if err := w.drain(ctx, f.Target); err != nil {
			return err
		}
		wait(ctx, f.For)
		return w.undrain(ctx, f.Target)
	case Gone, Wiped:
		return w.store(ctx, f)
	}
	return fmt.Errorf("unknown fault %q", f.Kind)
}

// undrain repeats until it is heard: a node that stays drained would be missing at
// the end.
func (w *world) undrain(ctx context.Context, node string) error {
	for {
		err := w.drain(ctx, node, "--undo")
		if err == nil || ctx.Err() != nil {
			return err
		}
		wait(ctx, time.Second)
	}
}

// store stops etcd for a while.
func (w *world) store(ctx context.Context, f Fault) error {
	w.cluster.StopEtcd()
	wait(ctx, f.For)
	if f.Kind == Wiped {
		if err := os.RemoveAll(filepath.Join(w.dir, "etcd")); err != nil {
			return err
		}
	}
	return w.cluster.StartEtcd(context.WithoutCancel(ctx))
}

func (w *world) signal(name string, s syscall.Signal) error {
	return w.cluster.Child(name).Signal(s)
}

// wait returns early when ctx ends.
func wait(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
