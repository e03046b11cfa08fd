package share

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/hachi-serve/hachi/internal/bench/cputime"
	"github.com/hachi-serve/hachi/internal/bench/measure"
	"github.com/hachi-serve/hachi/internal/bench/scrape"
	"github.com/hachi-serve/hachi/internal/bench/serve"
	"github.com/hachi-serve/hachi/internal/local"
	"github.com/hachi-serve/hachi/internal/metric"
)

// every is the time between two samples: short, so that a thread does one kind of work in
// it. To read a hundred threads takes less than a tenth of it.
const every = 10 * time.Millisecond

// side is a cluster and its clients.
type side struct {
	cluster *local.Cluster
	client  serve.Client
	tokens  []int32 // of which prompts are made
}

// open starts a cluster and waits until it serves.
func open(ctx context.Context, up local.UpConfig, streams int) (_ *side, err error) {
	s := &side{}
	if s.cluster, err = local.Up(ctx, up); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			s.close(ctx)
		}
	}()
	if err := s.cluster.Ready(ctx); err != nil {
		return nil, err
	}
	s.client = serve.Client{URL: s.cluster.URL(), HTTP: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: streams}}}
	s.tokens, err = s.client.Tokens(ctx)
	return s, err
}

func (s *side) close(ctx context.Context) { s.cluster.Close(context.WithoutCancel(ctx)) }

// generated is how many tokens the router has generated.
func (s *side) generated(ctx context.Context) (float64, error) {
	series, err := scrape.Metrics(ctx, s.client.HTTP, s.client.URL)
	if err != nil {
		return 0, err
	}
	n, ok := series[metric.GeneratedTokens.Name]
	if !ok {
		return 0, fmt.Errorf("the router has no metric %s", metric.GeneratedTokens.Name)
	}
	return n, nil
}

// stream asks for one answer after another until ctx ends.
func (s *side) stream(ctx context.Context, c Config, first int) error {
	for i := first; ctx.Err() == nil; i += c.Streams {
		r := serve.Request{Prompt: c.Prompt, Answer: c.Answer, Offset: i * c.Prompt}
		if got := s.client.Do(ctx, time.Now(), r, s.tokens); got.Err != nil && ctx.Err() == nil {
			return got.Err
		}
	}
	return nil
}

// processes are those of the cluster but etcd.
func (s *side) processes(nodes int) []int {
	out := []int{s.cluster.Child("router-0").PID(), s.cluster.Child("coordinator-0").PID()}
	for i := range nodes {
		out = append(out, s.cluster.Child("expert-"+strconv.Itoa(i)).PID())
	}
	return out
}

// play starts the clusters of a scene, loads them and measures.
func (c Config) play(ctx context.Context, s Scene) (_ turn, err error) {
	budget := ""
	if s == Shared {
		file, err := os.CreateTemp(c.BudgetDir, "hachi-share-")
		if err != nil {
			return turn{}, fmt.Errorf("budget of cores: %w", err)
		}
		budget = file.Name()
		defer os.Remove(budget)
		if err := file.Close(); err != nil {
			return turn{}, err
		}
	}
	var sides []*side
	for i, listen := range []string{c.Up.Listen, c.ListenOther}[:s.clusters()] {
		up := c.Up
		up.Listen, up.DataDir, up.Model.CoreBudget = listen, filepath.Join(c.Up.DataDir, strconv.Itoa(i)), budget
		up.Serving.PrefixCache = false // prompts come again
		one, err := open(ctx, up, c.Streams)
		if err != nil {
			return turn{}, err
		}
		defer one.close(ctx)
		sides = append(sides, one)
	}
	return c.load(ctx, sides)
}

// load measures while every side has its streams.
func (c Config) load(ctx context.Context, sides []*side) (out turn, err error) {
	loaded, stop := context.WithCancelCause(ctx)
	var streams sync.WaitGroup
	for _, s := range sides {
		for i := range c.Streams {
			streams.Go(func() {
				if err := s.stream(loaded, c, i); err != nil {
					stop(err)
				}
			})
		}
	}
	defer streams.Wait()
	defer stop(nil)
	if err := measure.Pause(loaded, c.Settle); err != nil {
		return out, err
	}
	out, err = c.watch(loaded, sides)
	if failed := context.Cause(loaded); failed != nil { // and with it the watch
		return out, failed
	}
	return out, err
}

// watch samples the threads of all sides, and counts what each side generates meanwhile.
func (c Config) watch(ctx context.Context, sides []*side) (out turn, err error) {
	var processes []int
	counted := make([]float64, len(sides))
	for i, s := range sides {
		processes = append(processes, s.processes(c.Up.Nodes)...)
		if counted[i], err = s.generated(ctx); err != nil {
			return out, err
		}
	}
	var d demand
	before, err := look(processes)
	for err == nil && d.took < c.For {
		if err := measure.Pause(ctx, every); err != nil {
			return out, err
		}
		var after sample
		if after, err = look(processes); err == nil {
			d.add(before, after)
			before = after
		}
	}
	if err != nil {
		return out, err
	}
	for i, s := range sides {
		now, err := s.generated(ctx)
		if err != nil {
			return out, err
		}
		out.rates = append(out.rates, (now-counted[i])/d.took.Seconds())
	}
	out.all, out.computing = d.over(d.all), d.over(d.computing)
	return out, nil
}

// look samples the threads of processes.
func look(processes []int) (sample, error) {
	out := sample{time.Now(), map[thread]cputime.Use{}}
	for _, p := range processes {
		threads, err := cputime.Threads(p)
		if err != nil {
			return out, err
		}
		for id, use := range threads {
			out.use[thread{p, id}] = use
		}
	}
	return out, nil
}
