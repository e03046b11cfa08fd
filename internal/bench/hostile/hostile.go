package hostile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/hachi-serve/hachi/internal/bench/memory"
	"github.com/hachi-serve/hachi/internal/bench/serve"
	"github.com/hachi-serve/hachi/internal/local"
)

// Config describes a measurement.
type Config struct {
	Up       local.UpConfig
	Clients  int           // in a closed loop
	AtOnce   int           // hostile bodies
	Pause    time.Duration // between the last answer to them and the next
	Phase    time.Duration // without hostile bodies, and then with them
	Settle   time.Duration // before the first phase, and after the last
	Workload serve.Workload
	// Progress is called with what begins.
	Progress func(string)
}

// Validate reports every fault at once.
func (c Config) Validate() error {
	var faults []error
	if c.Clients < 1 || c.AtOnce < 1 {
		faults = append(faults, fmt.Errorf("%d clients, %d hostile bodies at once: want at least 1 of each", c.Clients, c.AtOnce))
	}
	if c.Phase <= 0 || c.Settle <= 0 || c.Pause < 0 {
		faults = append(faults, fmt.Errorf("phases of %v, %v to settle, pauses of %v: want more than 0, and no negative pause", c.Phase, c.Settle, c.Pause))
	}
	return errors.Join(faults...)
}

// Run starts the cluster and measures.
func Run(ctx context.Context, c Config) (Report, error) {
	if err := c.Validate(); err != nil {
		return Report{}, err
	}
	cluster, err := local.Up(ctx, c.Up)
	if err != nil {
		return Report{}, err
	}
	defer cluster.Close(context.WithoutCancel(ctx))
	if err := cluster.Ready(ctx); err != nil {
		return Report{}, err
	}
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	defer transport.CloseIdleConnections()
	m := measurement{c: c, url: cluster.URL(), http: &http.Client{Transport: transport}, memory: memory.Start(cluster.Child("router-0"))}
	defer m.memory.Stop()
	return m.run(ctx)
}

// measurement is a run in progress.
type measurement struct {
	c      Config
	url    string
	http   *http.Client
	memory *memory.Watch
}

func (m measurement) run(ctx context.Context) (Report, error) {
	r := Report{Clients: m.c.Clients, AtOnce: m.c.AtOnce, Seconds: m.c.Phase.Seconds(), KV: int64(m.c.Up.Serving.KVCacheMemory)}
	m.c.progress("each hostile body once, by itself, and settle")
	for _, b := range Bodies() {
		m.send(ctx, b)
	}
	if _, err := m.clients(ctx, m.c.Settle); err != nil {
		return r, err
	}
	m.c.progress("clients alone")
	began := time.Now()
	calm, err := m.clients(ctx, m.c.Phase)
	if err != nil {
		return r, err
	}
	r.Calm, r.Before = serve.Summarize(m.c.Workload, calm, serve.Objective{}), m.memory.Most(began, time.Now())
	m.c.progress(fmt.Sprintf("clients beside %d hostile bodies at once", m.c.AtOnce))
	began = time.Now()
	var attack sync.WaitGroup
	attack.Go(func() { r.Answers = m.attack(ctx, began.Add(m.c.Phase)) })
	disturbed, err := m.clients(ctx, m.c.Phase)
	attack.Wait()
	if err != nil {
		return r, err
	}
	ended := time.Now()
	r.Attacked, r.Peak = serve.Summarize(m.c.Workload, disturbed, serve.Objective{}), m.memory.Most(began, ended)
	m.c.progress("settle")
	if _, err := m.clients(ctx, m.c.Settle); err != nil {
		return r, err
	}
	r.After = m.memory.Most(time.Now().Add(-2*time.Second), time.Now())
	return r, nil
}

// clients ask in a closed loop for a while.
func (m measurement) clients(ctx context.Context, d time.Duration) ([]serve.Sample, error) {
	w := m.c.Workload
	w.Duration = d
	return serve.RunClosed(ctx, serve.Client{URL: m.url, HTTP: m.http}, w, m.c.Clients)
}

// attack sends hostile bodies until a time, AtOnce of them together, and counts the answers
// by body and status.
func (m measurement) attack(ctx context.Context, until time.Time) []Answer {
	kinds, counts := Bodies(), answers{}
	for first := 0; time.Now().Before(until) && ctx.Err() == nil; first += m.c.AtOnce {
		var mu sync.Mutex // guards counts
		var burst sync.WaitGroup
		for i := range m.c.AtOnce {
			burst.Go(func() {
				b := kinds[(first+i)%len(kinds)]
				began := time.Now()
				status := m.send(ctx, b)
				mu.Lock()
				defer mu.Unlock()
				counts.add(b.Name, status, time.Since(began))
			})
		}
		burst.Wait()
		select {
		case <-time.After(m.c.Pause):
		case <-ctx.Done():
		}
	}
	return counts.sorted()
}

// send is the status of the answer to a body, or the error as text.
func (m measurement) send(ctx context.Context, b Body) string {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, m.url+b.Path, strings.NewReader(b.JSON))
	if err != nil {
		return err.Error()
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := m.http.Do(request)
	if err != nil {
		return "no answer"
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, response.Body)
	return fmt.Sprint(response.StatusCode)
}

func (c Config) progress(what string) {
	if c.Progress != nil {
		c.Progress(what)
	}
}
