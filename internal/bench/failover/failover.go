package failover

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"slices"
	"syscall"
	"time"

	"google.golang.org/grpc"

	"github.com/hachi-serve/hachi/internal/bench/gauge"
	"github.com/hachi-serve/hachi/internal/bench/measure"
	"github.com/hachi-serve/hachi/internal/bench/memory"
	"github.com/hachi-serve/hachi/internal/bench/mix"
	"github.com/hachi-serve/hachi/internal/local"
	"github.com/hachi-serve/hachi/internal/namespaces"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// Config describes a measurement.
type Config struct {
	Up      local.UpConfig // its nodes are the victims; Restart is set
	Fault   Fault
	StopFor time.Duration // how long a node is stopped or its packets vanish
	Streams int
	Tokens  int // per stream
	Repeat  int
	Seed    uint64 // chooses the victims
	// Progress is called after every repetition.
	Progress func(done, all int, worst time.Duration)
}

// Validate reports every fault at once.
func (c Config) Validate() error {
	var all []error
	if !slices.Contains(faults, c.Fault) {
		all = append(all, fmt.Errorf("fault %q: want one of %v", c.Fault, faults))
	}
	if c.Streams < 1 || c.Tokens <= settled || c.Repeat < 1 {
		all = append(all, fmt.Errorf("%d streams of %d tokens, %d times: want at least 1 of %d, once", c.Streams, c.Tokens, c.Repeat, settled+1))
	}
	if c.Fault.ofRouter() && c.Tokens < mix.MinTokens {
		all = append(all, fmt.Errorf("%d tokens of each stream: the requests of %s need at least %d", c.Tokens, c.Fault, mix.MinTokens))
	}
	if !c.Fault.kills() && c.StopFor <= 0 {
		all = append(all, fmt.Errorf("a %s needs a duration", c.Fault))
	}
	return errors.Join(all...)
}

// Run starts the cluster and measures.
func Run(ctx context.Context, c Config) (Report, error) {
	if err := c.Validate(); err != nil {
		return Report{}, err
	}
	c.Up.Restart = true
	if c.Fault.ofRouter() {
		c.Up.Routers = max(c.Up.Routers, 2)
	}
	if !c.Fault.drops() {
		return run(ctx, c, nil)
	}
	n, err := namespaces.New(ctx, c.Fault.separate())
	if err != nil {
		return Report{}, err
	}
	defer n.Close()
	store, err := Inhabit(ctx, n, &c.Up)
	if err != nil {
		return Report{}, err
	}
	defer store.Close()
	return run(ctx, c, n)
}

// run measures on a cluster of its own; apart is the namespace of the victim, if
// it has one.
func run(ctx context.Context, c Config, apart *namespaces.Network) (Report, error) {
	m, err := open(ctx, c)
	if err != nil {
		return Report{}, err
	}
	defer m.close(ctx)
	m.apart = apart
	return m.all(ctx)
}

// open starts a cluster and waits until it is whole.
func open(ctx context.Context, c Config) (*measurement, error) {
	cluster, err := local.Up(ctx, c.Up)
	if err != nil {
		return nil, err
	}
	m := &measurement{c: c, cluster: cluster, random: rand.New(rand.NewPCG(c.Seed, 8))}
	if err := m.connect(ctx); err != nil {
		m.close(ctx)
		return nil, err
	}
	return m, nil
}

func (m *measurement) connect(ctx context.Context) error {
	if err := m.cluster.Ready(ctx); err != nil {
		return err
	}
	if err := Whole(ctx, m.cluster, m.c.Up); err != nil {
		return err
	}
	var err error
	if m.conn, err = dial(ctx, m.cluster); err != nil {
		return err
	}
	if m.c.Fault.ofRouter() {
		m.load = answers{url: m.cluster.URL(), requests: mix.Requests(m.c.Streams, m.c.Tokens)}
		return nil
	}
	opened, err := m.c.Up.Model.Open(ctx, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	vocab := opened.Checkpoint.Config().Vocab
	m.load = streams{client: hachiv1.NewInferenceServiceClient(m.conn), n: m.c.Streams, tokens: m.c.Tokens, vocab: vocab}
	return opened.Checkpoint.Close()
}

// close stops the cluster.
func (m *measurement) close(ctx context.Context) {
	if m.conn != nil {
		m.conn.Close()
	}
	m.cluster.Close(context.WithoutCancel(ctx))
}

// dial connects to the gRPC API of the router, or of the gateway.
func dial(ctx context.Context, cluster *local.Cluster) (*grpc.ClientConn, error) {
	view, err := cluster.View(ctx)
	if err != nil {
		return nil, err
	}
	if len(view.Gateways) > 0 {
		return view.DialGateway(view.Gateways[0])
	}
	if len(view.Routers) != 1 {
		return nil, fmt.Errorf("%d routers are registered, want 1", len(view.Routers))
	}
	return view.DialRouter(view.Routers[0])
}

// measurement is a run in progress.
type measurement struct {
	c       Config
	cluster *local.Cluster
	conn    *grpc.ClientConn
	apart   *namespaces.Network // nil if the fault needs none
	load    load
	random  *rand.Rand
}

// load is what runs while a fault happens.
type load interface {
	// run reads all streams to their end. begun is called once each has begun.
	run(ctx context.Context, begun func()) ([]stream, error)
}

// all measures undisturbed runs and faults in turns: both meet the same minutes of the machine.
func (m *measurement) all(ctx context.Context) (Report, error) {
	if _, err := m.load.run(ctx, nil); err != nil { // connections, caches
		return Report{}, err
	}
	want, err := m.load.run(ctx, nil)
	if err != nil {
		return Report{}, err
	}
	r := Report{Fault: m.c.Fault, Streams: m.c.Streams, Tokens: m.c.Tokens, Repeat: m.c.Repeat, Front: m.c.Fault.front()}
	var meter *gauge.Gauge
	if m.c.Fault == Kill {
		if r.Scene, meter, err = m.scene(ctx); err != nil {
			return Report{}, err
		}
		defer meter.Close()
	}
	front := memory.Start(m.cluster.Child(r.Front))
	defer front.Stop()
	before, err := m.metrics(ctx)
	if err != nil {
		return Report{}, err
	}
	began := time.Now()
	calm := undisturbed(want)
	for i := range m.c.Repeat {
		if i > 0 {
			again, err := m.load.run(ctx, nil)
			if err := errors.Join(err, differ(again, want)); err != nil {
				return r, fmt.Errorf("before repetition %d: %w", i, err)
			}
			calm = append(calm, undisturbed(again)...)
		}
		one, err := m.once(ctx, want)
		if err != nil {
			return r, fmt.Errorf("repetition %d: %w", i, err)
		}
		r.add(one)
		r.sumUp(calm)
		r.Memory = front.Growth(began, time.Now())
		after, err := m.metrics(ctx)
		if err != nil {
			return r, err
		}
		r.Moves = movesOf(before, after)
		if m.c.Progress != nil {
			m.c.Progress(i+1, m.c.Repeat, max(0, slices.Max(one.longest)-measure.FromMilliseconds(r.Undisturbed.P99)))
		}
	}
	if r.Scene == nil {
		return r, nil
	}
	return r, m.observe(ctx, r.Scene, meter)
}

// undisturbed are the gaps of a run without a fault.
func undisturbed(all []stream) (out []time.Duration) {
	for _, s := range all {
		out = append(out, s.gaps(time.Time{}, settled-1)...)
	}
	return out
}

// add takes a repetition, but for its stalls.
func (r *Report) add(one repetition) {
	if one.noticed {
		r.Noticed++
	}
	r.longest = append(r.longest, one.longest...)
	if r.Scene == nil {
		return
	}
	slices.Sort(r.longest)
	r.Scene.Longest = nil
	for _, d := range r.longest {
		r.Scene.Longest = append(r.Scene.Longest, measure.Milliseconds(d))
	}
	r.Scene.Restarts = append(r.Scene.Restarts, one.reborn.Seconds())
}

// repetition is what one fault did.
type repetition struct {
	longest []time.Duration // gap of each stream after the fault
	noticed bool            // the router put the victim last
	reborn  time.Duration   // from the fault to the start of a killed node's next process
}

// once disturbs one run.
func (m *measurement) once(ctx context.Context, want []stream) (out repetition, err error) {
	victim := m.cluster.Child(m.c.Fault.separate())
	switch {
	case m.apart != nil:
	case m.c.Fault.ofRouter():
		victim = m.cluster.Child(fmt.Sprintf("router-%d", m.random.IntN(m.c.Up.Routers)))
	default:
		victim = m.cluster.Child(fmt.Sprintf("expert-%d", m.random.IntN(m.c.Up.Nodes)))
	}
	var before map[string]string
	if m.c.Fault.ofRouter() {
		if before, err = m.back(ctx, "", nil); err != nil {
			return out, err
		}
	}
	next, last := make(chan time.Duration, 1), victim.PID()
	at, got, noticed, err := m.disturbed(ctx, victim, func(at time.Time) { next <- reborn(victim, last, at) })
	out.noticed = noticed
	if err != nil {
		return out, err
	}
	if err := differ(got, want); err != nil {
		return out, err
	}
	for _, s := range got {
		if len(s.tracks) > 0 {
			out.longest = append(out.longest, slices.Max(append(s.gaps(at, 0), 0)))
		}
	}
	if m.c.Fault.ofRouter() {
		_, err := m.back(ctx, victim.Name(), before)
		return out, err
	}
	if m.c.Fault != Kill {
		return out, Whole(ctx, m.cluster, m.c.Up)
	}
	out.reborn = <-next
	return out, WholeAgain(ctx, m.cluster, m.c.Up, victim.Name(), at)
}

// disturbed runs the streams with a fault in the middle of them, and returns
// when it is over. Whether the router noticed is asked at the end of the
// streams: later it may have heard of the fault from others. After a kill, follow is
// called in a goroutine of its own.
func (m *measurement) disturbed(ctx context.Context, victim *local.Child, follow func(at time.Time)) (at time.Time, got []stream, noticed bool, err error) {
	if err := m.trusted(ctx, victim.Name()); err != nil {
		return at, nil, false, err
	}
	before, err := m.suspicions(ctx, victim.Name())
	if err != nil {
		return at, nil, false, err
	}
	heal := func() error { return nil }
	var fault error
	got, err = m.load.run(ctx, func() {
		at = time.Now()
		if heal, fault = m.disturb(victim); m.c.Fault == Kill && fault == nil {
			go follow(at)
		}
	})
	after, unknown := m.suspicions(ctx, victim.Name())
	return at, got, after > before, errors.Join(err, fault, unknown, heal())
}

// disturb begins a fault; heal waits for its end.
func (m *measurement) disturb(victim *local.Child) (heal func() error, err error) {
	// A fault must end even when the measurement is given up.
	ctx := context.Background()
	var end func() error
	switch name := victim.Name(); {
	case m.c.Fault.kills():
		return func() error { return nil }, victim.Signal(syscall.SIGKILL)
	case m.c.Fault.drops():
		err, end = m.apart.Lose(ctx, name, namespaces.All), func() error { return m.apart.Heal(ctx, name, namespaces.All) }
	default:
		err, end = victim.Signal(syscall.SIGSTOP), func() error { return resume(victim) }
	}
	healed := make(chan error, 1)
	time.AfterFunc(m.c.StopFor, func() { healed <- end() })
	return func() error { return <-healed }, err
}

func resume(victim *local.Child) error {
	if err := victim.Signal(syscall.SIGCONT); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return nil
}
