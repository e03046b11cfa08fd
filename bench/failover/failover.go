package failover

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/hachi-serve/hachi/local"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// Fault is what happens to a node.
type Fault string

const (
	Kill Fault = "kill" // SIGKILL; the process is started again
	Stop Fault = "stop" // SIGSTOP, and SIGCONT after a while
)

// Config describes a measurement.
type Config struct {
	Up      local.UpConfig // its nodes are the victims; Restart is set
	Fault   Fault
	StopFor time.Duration // of a stopped node
	Streams int
	Tokens  int // per stream
	Repeat  int
	Seed    uint64 // chooses the victims
	// Progress is told after every repetition.
	Progress func(done, all int, worst time.Duration)
}

// Validate reports every fault at once.
func (c Config) Validate() error {
	var faults []error
	if c.Fault != Kill && c.Fault != Stop {
		faults = append(faults, fmt.Errorf("fault %q: want kill or stop", c.Fault))
	}
	if c.Streams < 1 || c.Tokens <= settled || c.Repeat < 1 {
		faults = append(faults, fmt.Errorf("%d streams of %d tokens, %d times: want at least 1 of %d, once", c.Streams, c.Tokens, c.Repeat, settled+1))
	}
	if c.Fault == Stop && c.StopFor <= 0 {
		faults = append(faults, errors.New("a stop needs a duration"))
	}
	return errors.Join(faults...)
}

// wholeWithin bounds the wait for a whole placement: leases, loading and
// publishing.
const wholeWithin = 2 * time.Minute

// Run starts the cluster and measures.
func Run(ctx context.Context, c Config) (Report, error) {
	if err := c.Validate(); err != nil {
		return Report{}, err
	}
	c.Up.Restart = true
	cluster, err := local.Up(ctx, c.Up)
	if err != nil {
		return Report{}, err
	}
	defer cluster.Close(context.WithoutCancel(ctx))
	if err := cluster.Ready(ctx); err != nil {
		return Report{}, err
	}
	if err := whole(ctx, cluster, c.Up, "", time.Time{}); err != nil {
		return Report{}, err
	}
	conn, err := dial(ctx, cluster)
	if err != nil {
		return Report{}, err
	}
	defer conn.Close()
	m := measurement{c: c, cluster: cluster, random: rand.New(rand.NewPCG(c.Seed, 8)),
		streams: streams{client: hachiv1.NewInferenceServiceClient(conn), n: c.Streams, tokens: c.Tokens}}
	return m.all(ctx)
}

// dial connects to the router's gRPC API.
func dial(ctx context.Context, cluster *local.Cluster) (*grpc.ClientConn, error) {
	view, err := local.ReadView(ctx, cluster.Endpoints(), local.DefaultCluster)
	if err != nil {
		return nil, err
	}
	if len(view.Routers) != 1 {
		return nil, fmt.Errorf("%d routers are registered, want 1", len(view.Routers))
	}
	return grpc.NewClient("passthrough:///"+view.Routers[0].GetGrpcAddr(), grpc.WithTransportCredentials(insecure.NewCredentials()))
}

// whole waits until every expert is served by all its replicas, each by the
// process that is registered now; reborn, when not empty, names a node whose
// process must have started after a time.
func whole(ctx context.Context, cluster *local.Cluster, up local.UpConfig, reborn string, after time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, wholeWithin)
	defer cancel()
	for {
		view, err := local.ReadView(ctx, cluster.Endpoints(), local.DefaultCluster)
		if err != nil {
			return err
		}
		if len(view.Nodes) == up.Nodes && started(view, reborn, after) && served(view) >= up.Placement.Replicas {
			return nil
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("the placement did not become whole: %w", ctx.Err())
		}
	}
}

func started(view local.View, node string, after time.Time) bool {
	for _, r := range view.Nodes {
		if r.GetNodeId() == node {
			return r.GetStartedUnixNano() > after.UnixNano()
		}
	}
	return node == ""
}

// served is the smallest number of copies of any expert that are where the
// placement says.
func served(view local.View) int {
	p := view.Placement
	if p == nil {
		return 0
	}
	addresses := map[moe.NodeID]string{}
	for _, r := range view.Nodes {
		addresses[moe.NodeID(r.GetNodeId())] = r.GetAddr()
	}
	least := len(view.Nodes)
	for layer := range p.Layers() {
		for expert := range p.Experts() {
			n := 0
			for _, r := range p.Replicas(moe.ExpertID{Layer: layer, Expert: expert}) {
				if addresses[r.Node] == r.Addr {
					n++
				}
			}
			least = min(least, n)
		}
	}
	return least
}

// measurement is a run in progress.
type measurement struct {
	c       Config
	cluster *local.Cluster
	streams streams
	random  *rand.Rand
}

// all measures the undisturbed run, then every fault.
func (m *measurement) all(ctx context.Context) (Report, error) {
	if _, err := m.streams.run(ctx, nil); err != nil { // connections, caches
		return Report{}, err
	}
	want, err := m.streams.run(ctx, nil)
	if err != nil {
		return Report{}, err
	}
	r := Report{Fault: m.c.Fault, Streams: m.c.Streams, Tokens: m.c.Tokens, Repeat: m.c.Repeat}
	var calm []time.Duration
	for _, s := range want {
		calm = append(calm, s.gaps(time.Time{})[settled-1:]...)
	}
	r.undisturbed(calm)
	for i := range m.c.Repeat {
		stalls, err := m.once(ctx, want, r.calmP99)
		if err != nil {
			return r, fmt.Errorf("repetition %d: %w", i, err)
		}
		r.add(stalls)
		if m.c.Progress != nil {
			m.c.Progress(i+1, m.c.Repeat, slices.Max(stalls))
		}
	}
	return r, nil
}

// once disturbs one run and returns the stall of every stream.
func (m *measurement) once(ctx context.Context, want []stream, calm time.Duration) ([]time.Duration, error) {
	victim := m.cluster.Child(fmt.Sprintf("expert-%d", m.random.IntN(m.c.Up.Nodes)))
	var at time.Time
	var heal func() error
	var fault error
	got, err := m.streams.run(ctx, func() {
		at = time.Now()
		heal, fault = m.disturb(victim)
	})
	if err := errors.Join(err, fault); err != nil {
		return nil, err
	}
	if err := heal(); err != nil {
		return nil, err
	}
	if err := differ(got, want); err != nil {
		return nil, err
	}
	var stalls []time.Duration
	for _, s := range got {
		stalls = append(stalls, max(0, slices.Max(append(s.gaps(at), 0))-calm))
	}
	reborn := ""
	if m.c.Fault == Kill {
		reborn = victim.Name()
	}
	return stalls, whole(ctx, m.cluster, m.c.Up, reborn, at)
}

// disturb begins a fault; heal ends it.
func (m *measurement) disturb(victim *local.Child) (heal func() error, err error) {
	if m.c.Fault == Kill {
		return func() error { return nil }, victim.Signal(syscall.SIGKILL)
	}
	healed := make(chan error, 1)
	err = victim.Signal(syscall.SIGSTOP)
	time.AfterFunc(m.c.StopFor, func() { healed <- resume(victim) })
	return func() error { return <-healed }, err
}

func resume(victim *local.Child) error {
	if err := victim.Signal(syscall.SIGCONT); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return nil
}
