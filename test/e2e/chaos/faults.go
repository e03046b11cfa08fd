package chaos

import (
	"context"
	"fmt"
	"syscall"
	"time"

	"github.com/hachi-serve/hachi/internal/local"
	"github.com/hachi-serve/hachi/internal/namespaces"
)

// routers is the number of routers behind the gateway.
const routers = 2

// control is the group of the processes that place experts. Without one of them, a
// node that was started again is not placed.
const control = "control"

const (
	nodeRest = 2 * time.Second
	// routersRest is enough for a router to start again: with both away, requests fail.
	routersRest = 15 * time.Second
	// controlRest is enough for a lease to end, an election, and a placement.
	controlRest = 20 * time.Second
)

// menus are what may happen in a cluster of two routers behind a gateway, and of some
// expert nodes, with or without a network each.
func menus(nodes int, apart bool) []Menu {
	kinds := []Kind{Kill, Kill, Pause, Leave, Drain}
	if apart {
		kinds = append(kinds, Cut, Mute, Deaf)
	}
	out := []Menu{
		{"coordinator-0", []Kind{Kill, Pause, Leave}, control, controlRest},
		{etcdName, []Kind{Gone, Gone, Wiped}, control, controlRest},
	}
	for i := range routers {
		out = append(out, Menu{fmt.Sprintf("router-%d", i), []Kind{Kill, Pause, Leave}, "routers", routersRest})
	}
	for i := range nodes {
		name := fmt.Sprintf("expert-%d", i)
		out = append(out, Menu{name, kinds, name, nodeRest})
	}
	return out
}

// world is the cluster that faults happen to.
type world struct {
	cluster *local.Cluster
	network *namespaces.Network // of the expert nodes; nil where there is none
	store   store
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
		w.store.stop()
		wait(ctx, f.For)
		return w.store.start(f.Kind == Wiped)
	case Cut, Mute, Deaf:
		loss := map[Kind]namespaces.Loss{Cut: namespaces.All, Mute: namespaces.Sent, Deaf: namespaces.Received}[f.Kind]
		if err := w.network.Lose(ctx, f.Target, loss); err != nil {
			return err
		}
		wait(ctx, f.For)
		return w.network.Heal(context.WithoutCancel(ctx), f.Target, loss)
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
