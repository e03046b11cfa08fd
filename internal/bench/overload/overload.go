package overload

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/hachi-serve/hachi/internal/bench/memory"
	"github.com/hachi-serve/hachi/internal/bench/serve"
	"github.com/hachi-serve/hachi/internal/local"
)

// Config describes a measurement.
type Config struct {
	Up        local.UpConfig // MaxSequences and MaxQueue bound the load
	Prompt    serve.Lengths
	Answer    serve.Lengths
	Objective serve.Objective
	Seed      uint64
	Settle    time.Duration // of closed loop before capacity counts
	Capacity  time.Duration // of closed loop, half of it before the overload and half after
	Factor    float64       // of capacity that is asked for
	For       time.Duration // how long
	// Progress is called with what begins.
	Progress func(string)
}

// Validate reports every fault at once.
func (c Config) Validate() error {
	var faults []error
	if c.Up.Serving.MaxSequences < 1 || c.Up.Serving.MaxQueued < 1 {
		faults = append(faults, fmt.Errorf("%d sequences and %d that wait: want at least 1 of each", c.Up.Serving.MaxSequences, c.Up.Serving.MaxQueued))
	}
	if c.Factor <= 1 {
		faults = append(faults, fmt.Errorf("%v times the capacity is no overload: want more than 1", c.Factor))
	}
	if c.Settle < 0 || c.Capacity <= 0 || c.For <= 0 {
		faults = append(faults, fmt.Errorf("%v to settle, %v for the capacity, %v of overload: want more than 0", c.Settle, c.Capacity, c.For))
	}
	return errors.Join(faults...)
}

// idleWithin bounds the wait for the cluster to be idle after the last answer.
const idleWithin = 30 * time.Second

// Run starts the cluster and measures.
func Run(ctx context.Context, c Config) (Report, error) {
	if err := c.Validate(); err != nil {
		return Report{}, err
	}
	var died atomic.Int64
	c.Up.Restart = false
	c.Up.Events.Child = func(local.ChildEvent) { died.Add(1) }
	cluster, err := local.Up(ctx, c.Up)
	if err != nil {
		return Report{}, err
	}
	closed := false
	defer func() {
		if !closed {
			cluster.Close(context.WithoutCancel(ctx))
		}
	}()
	if err := cluster.Ready(ctx); err != nil {
		return Report{}, err
	}
	transport := &http.Transport{MaxIdleConnsPerHost: 4096}
	defer transport.CloseIdleConnections()
	m := measurement{c: c, client: serve.Client{URL: cluster.URL(), HTTP: &http.Client{Transport: transport}}, memory: memory.Start(children(cluster, c.Up.Nodes)...)}
	defer m.memory.Stop()
	r, err := m.run(ctx)
	if err != nil {
		return r, err
	}
	r.Died = int(died.Load())
	closed = true
	cluster.Close(context.WithoutCancel(ctx))
	return r, nil
}

// children are the processes of a cluster but etcd.
func children(cluster *local.Cluster, nodes int) []*local.Child {
	out := []*local.Child{cluster.Child("router-0"), cluster.Child("coordinator-0")}
	for i := range nodes {
		out = append(out, cluster.Child("expert-"+strconv.Itoa(i)))
	}
	return out
}

// measurement is a run in progress.
type measurement struct {
	c      Config
	client serve.Client
	memory *memory.Watch
}

func (m measurement) run(ctx context.Context) (Report, error) {
	c := m.c
	r := Report{Factor: c.Factor, Seconds: c.For.Seconds(), Objective: c.Objective}
	before, err := m.capacity(ctx, c.Seed)
	if err != nil {
		return r, err
	}
	if len(before) == 0 {
		return r, fmt.Errorf("no request ended in %v of closed loop: measure for longer", c.Capacity/2)
	}
	w := m.workload(c.Seed+1, c.For)
	w.Rate = c.Factor * float64(len(before)) / (c.Capacity / 2).Seconds()
	c.progress(fmt.Sprintf("%.2f requests/s for %v", w.Rate, c.For))
	start := time.Now()
	samples, err := serve.Run(ctx, m.client, w, serve.Options{})
	if err != nil {
		return r, err
	}
	r.Memory = m.memory.Growth(start, start.Add(c.For))
	r.Overload = serve.Summarize(w, samples, c.Objective)
	during := perSecond(serve.Summarize(w, serve.Between(samples, start, c.For), c.Objective), c.For)
	r.Overload.Goodput, r.Overload.Throughput, r.Overload.Seconds = during.Goodput, during.Throughput, during.Seconds
	after, err := m.capacity(ctx, c.Seed+2)
	if err != nil {
		return r, err
	}
	r.Capacity = perSecond(serve.Summarize(w, append(before, after...), c.Objective), c.Capacity)
	r.Left, err = m.idle(ctx)
	return r, err
}

// workload is requests of the measurement; the rate is for the caller to set.
func (m measurement) workload(seed uint64, d time.Duration) serve.Workload {
	return serve.Workload{Seed: seed, Rate: 100, Arrival: serve.Poisson, Duration: d, Prompt: m.c.Prompt, Answer: m.c.Answer}
}

// capacity keeps every place taken, and half of the queue, so that a place
// never waits for a client, and returns what ended after the cluster settled.
func (m measurement) capacity(ctx context.Context, seed uint64) ([]serve.Sample, error) {
	c := m.c
	c.progress("closed loop for the capacity")
	start := time.Now()
	samples, err := serve.RunClosed(ctx, m.client, m.workload(seed, c.Settle+c.Capacity/2), c.Up.Serving.MaxSequences+max(1, c.Up.Serving.MaxQueued/2))
	return serve.Between(samples, start.Add(c.Settle), c.Capacity/2), err
}

// perSecond gives a report the rates of a time that is known.
func perSecond(r serve.Report, d time.Duration) serve.Report {
	r.Throughput *= r.Seconds / d.Seconds()
	r.Goodput, r.Seconds = float64(r.Good)/d.Seconds(), d.Seconds()
	return r
}

func (c Config) progress(what string) {
	if c.Progress != nil {
		c.Progress(what)
	}
}
