package observe

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"time"

	"github.com/hachi-serve/hachi/internal/bench/measure"
	"github.com/hachi-serve/hachi/internal/bench/serve"
	"github.com/hachi-serve/hachi/internal/local"
)

// Config describes a measurement.
type Config struct {
	Up          local.UpConfig // of both clusters
	ListenBare  string         // HTTP listener of the cluster with everything off
	AdminListen string         // of the cluster with everything on
	Rounds      int
	Load        serve.Load
	Scrape      time.Duration // between two readings of the metrics
	Ratio       float64       // of requests that are traced
	// Progress is called after every round.
	Progress func(round int, r Report)
}

// Validate reports every fault at once.
func (c Config) Validate() error {
	all := []error{c.Load.Validate()}
	if c.Rounds < 1 {
		all = append(all, fmt.Errorf("%d rounds: want at least 1", c.Rounds))
	}
	if c.Scrape <= 0 || c.Ratio < 0 || c.Ratio > 1 {
		all = append(all, fmt.Errorf("metrics each %v, %v of the requests traced: want more than 0s, and 0 to 1", c.Scrape, c.Ratio))
	}
	if c.AdminListen == "" {
		all = append(all, errors.New("an admin listener is required: the console is served there"))
	}
	return errors.Join(all...)
}

// side is a cluster.
type side struct {
	client serve.Client
	tokens []int32
	watch  *watch    // nil watches nothing
	rate   []float64 // tokens per second of each round
	close  func()
}

// Run starts both clusters and measures.
func Run(ctx context.Context, c Config) (r Report, err error) {
	if err := c.Validate(); err != nil {
		return r, err
	}
	c.Up.Serving.PrefixCache = false // each round asks for the same prompts
	spans, err := startCollector()
	if err != nil {
		return r, err
	}
	defer spans.stop()
	watched, err := c.startWatched(ctx, spans)
	if err != nil {
		return r, err
	}
	defer watched.close()
	bare, err := c.startBare(ctx)
	if err != nil {
		return r, err
	}
	defer bare.close()
	sides := []*side{watched, bare}
	for round := range c.Rounds + 1 { // the first warms up
		for _, s := range measure.Turns(sides, round) {
			if err := s.turn(ctx, c.Load); err != nil {
				return r, err
			}
		}
		if round == 0 {
			watched.rate, bare.rate = nil, nil
			continue
		}
		if r = reportOf(c, watched, bare, spans); c.Progress != nil {
			c.Progress(round-1, r)
		}
	}
	return r, nil
}

// startBare starts the cluster with everything off.
func (c Config) startBare(ctx context.Context) (*side, error) {
	up := c.Up
	up.Listen, up.DataDir, up.Security.Plaintext = c.ListenBare, filepath.Join(c.Up.DataDir, "bare"), true
	up.Tracing.Endpoint = ""
	return open(ctx, up, c.Load.Streams, "", func(*local.Cluster) (*watch, error) { return nil, nil })
}

// startWatched starts the cluster with everything on.
func (c Config) startWatched(ctx context.Context, spans *collector) (*side, error) {
	up := c.Up
	up.DataDir = filepath.Join(c.Up.DataDir, "watched")
	client, operator, err := writeKeys(c.Up.DataDir)
	if err != nil {
		return nil, err
	}
	up.Security.APIKeys, up.Security.AdminKeys, up.Security.AdminListen = client.file, operator.file, c.AdminListen
	up.Tracing.Endpoint, up.Tracing.Ratio = spans.url(), c.Ratio
	return open(ctx, up, c.Load.Streams, client.key, func(l *local.Cluster) (*watch, error) { return newWatch(ctx, l, c.AdminListen, operator.key, c.Scrape) })
}

// open starts a cluster and waits until it serves.
func open(ctx context.Context, up local.UpConfig, streams int, key string, watching func(*local.Cluster) (*watch, error)) (_ *side, err error) {
	cluster, err := local.Up(ctx, up)
	if err != nil {
		return nil, err
	}
	s := &side{close: func() { cluster.Close(context.WithoutCancel(ctx)) }}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	if err := cluster.Ready(ctx); err != nil {
		return nil, err
	}
	s.client = serve.Client{URL: cluster.URL(), Key: key, HTTP: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: streams}}}
	if s.tokens, err = s.client.Tokens(ctx); err != nil {
		return nil, err
	}
	s.watch, err = watching(cluster)
	return s, err
}

// turn measures a cluster once, while it is watched.
func (s *side) turn(ctx context.Context, l serve.Load) error {
	end, err := s.watch.begin(ctx)
	if err != nil {
		return err
	}
	rate, err := s.client.Throughput(ctx, l, s.tokens)
	s.rate = append(s.rate, rate)
	return errors.Join(err, end())
}
