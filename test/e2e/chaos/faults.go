package chaos

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"syscall"
	"time"

	"github.com/hachi-serve/hachi/internal/local"
	"github.com/hachi-serve/hachi/internal/namespaces"
)

const (
	nodes    = 3
	replicas = 2
	// routers and gateways are the numbers of those processes.
	routers, gateways = 2, 2
	// guest is an expert node that joins for a while.
	guest = "expert-3"
	// diskName is the target that means the disk with the configurations and logs.
	diskName = "disk"
)

const (
	nodeRest = 2 * time.Second
	// routersRest is enough for a router to start again: with both away, requests fail.
	routersRest = 15 * time.Second
	// gatewaysRest is enough for a gateway to start again.
	gatewaysRest = 5 * time.Second
	// controlRest is enough for a lease to end, and an election. A node that was started
	// again is not placed without etcd and a coordinator.
	controlRest = 5 * time.Second
)

var (
	ends  = []Kind{Kill, Pause, Leave}
	links = []Kind{Cut, Mute, Deaf, Late, Lossy, Narrow, Damaged}
)

// menus are what may happen in a cluster, with or without a network and a disk each.
func menus(apart bool) []Menu {
	join := func(base []Kind, more ...Kind) []Kind { return append(append([]Kind(nil), base...), more...) }
	network := []Kind{}
	store, member := []Kind{Gone, Gone, Wiped}, []Kind{Kill, Pause, Wiped}
	var out []Menu
	if apart {
		network, member = links, append(join(member, links...), Full)
		out = append(out, Menu{diskName, []Kind{Full}, diskName, nodeRest})
	}
	out = append(out, Menu{etcdName, store, etcdName, controlRest}, Menu{leaderName, join([]Kind{Kill, Pause}, network...), etcdName, controlRest})
	for _, name := range memberNames() {
		out = append(out, Menu{name, member, etcdName, controlRest})
	}
	for i := range 2 {
		out = append(out, Menu{fmt.Sprintf("coordinator-%d", i), join(ends, network...), "coordinators", controlRest})
	}
	for i := range routers {
		out = append(out, Menu{fmt.Sprintf("router-%d", i), join(ends, network...), "routers", routersRest})
	}
	for i := range gateways {
		out = append(out, Menu{fmt.Sprintf("gateway-%d", i), ends, "gateways", gatewaysRest})
	}
	for i := range nodes {
		name := fmt.Sprintf("expert-%d", i)
		out = append(out, Menu{name, join(join(ends, Kill, Drain), network...), name, nodeRest})
	}
	return append(out, Menu{guest, []Kind{Join}, guest, nodeRest})
}

// wires are the kinds of faults that Disturb makes.
var wires = map[Kind]namespaces.Wire{
	Late:    {Delay: 30 * time.Millisecond, Jitter: 20 * time.Millisecond},
	Lossy:   {Loss: 0.05, Twice: 0.02},
	Narrow:  {Rate: 256 << 10},
	Damaged: {Damage: 0.02},
}

var losses = map[Kind]namespaces.Loss{Cut: namespaces.All, Mute: namespaces.Sent, Deaf: namespaces.Received}

// world is the cluster that faults happen to.
type world struct {
	cluster *local.Cluster
	network *namespaces.Network // nil where there is none
	store   *store
	dir     string              // of configurations and logs
	extras  map[string]*process // those that `hachi up` does not start
	gates   []*gate
	// drain runs `hachi drain` with arguments; its failure is no fault of the cluster
	// while etcd or the coordinator is away.
	drain  func(ctx context.Context, args ...string) error
	admins map[string]string // URLs of admin APIs by process
	admin  *http.Client      // of an operator
}

// process finds a process by name.
func (w *world) process(name string) running {
	if m := w.store.members[name]; m != nil {
		return m
	}
	if p := w.extras[name]; p != nil {
		return p
	}
	return w.cluster.Child(name)
}

// do makes a fault happen, and returns when it is over.
func (w *world) do(ctx context.Context, f Fault) (err error) {
	if f.Target == leaderName {
		if f.Target, err = w.store.leader(ctx); err != nil {
			return err
		}
	}
	last := func() { wait(ctx, f.For) }
	heal := context.WithoutCancel(ctx)
	if wire, ok := wires[f.Kind]; ok {
		return during(w.network.Disturb(ctx, f.Target, wire), last, func() error { return w.network.Calm(heal, f.Target) })
	}
	if loss, ok := losses[f.Kind]; ok {
		return during(w.network.Lose(ctx, f.Target, loss), last, func() error { return w.network.Heal(heal, f.Target, loss) })
	}
	p := func() running { return w.process(f.Target) }
	switch f.Kind {
	case Kill:
		return p().Signal(syscall.SIGKILL)
	case Leave:
		return p().Signal(syscall.SIGTERM)
	case Pause:
		return during(p().Signal(syscall.SIGSTOP), last, func() error { return p().Signal(syscall.SIGCONT) })
	case Drain:
		return during(w.drain(ctx, f.Target), last, func() error { return w.undrain(ctx, f.Target) })
	case Join:
		return during(w.extras[f.Target].Start(), last, func() error { w.extras[f.Target].Hold(syscall.SIGTERM); return nil })
	case Gone:
		return w.store.stop(last, false)
	case Wiped:
		if f.Target == etcdName {
			return w.store.stop(last, true)
		}
		return w.store.wipe(ctx, f.Target)
	case Full:
		dir := w.dir
		if f.Target != diskName {
			dir = w.store.members[f.Target].disk()
		}
		return during(fill(dir), last, func() error { return os.Remove(fillFile(dir)) })
	}
	return fmt.Errorf("unknown fault %q", f.Kind)
}

// during lets a fault that has begun last, and ends it.
func during(begun error, last func(), end func() error) error {
	if begun != nil {
		return begun
	}
	last()
	return end()
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

// wait returns early when ctx ends.
func wait(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
