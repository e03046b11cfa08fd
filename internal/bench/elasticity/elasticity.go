package elasticity

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/hachi-serve/hachi/internal/bench/measure"
	"github.com/hachi-serve/hachi/internal/local"
)

// Config describes a measurement.
type Config struct {
	Up            local.UpConfig // its nodes are those at the beginning
	SecondGateway string         // HTTP listener, HOST:PORT
	Most, Final   int            // nodes: at the peak, and at the end
	Clients       int
	Tokens        int           // of an answer
	Calm          time.Duration // between one change and the next
	// Progress is called before every change, unless it is nil.
	Progress func(what string)
}

// Validate reports every fault at once.
func (c Config) Validate() error {
	var faults []error
	if c.Final < 1 || c.Most < c.Up.Nodes || c.Most < c.Final {
		faults = append(faults, fmt.Errorf("%d, %d and %d nodes: want at least one, and the most in the middle", c.Up.Nodes, c.Most, c.Final))
	}
	if c.Final < c.Up.Placement.Replicas {
		faults = append(faults, fmt.Errorf("%d nodes at the end: want as many as the %d replicas", c.Final, c.Up.Placement.Replicas))
	}
	if c.Clients < 1 || c.Tokens < 1 || c.Calm < 0 {
		faults = append(faults, fmt.Errorf("%d clients of %d tokens: want at least 1 of 1", c.Clients, c.Tokens))
	}
	return errors.Join(faults...)
}

// Run starts a cluster and changes it under load.
func Run(ctx context.Context, c Config) (Report, error) {
	if err := c.Validate(); err != nil {
		return Report{}, err
	}
	c.Up.Restart, c.Up.Routers = true, max(2, c.Up.Routers)
	cluster, err := local.Up(ctx, c.Up)
	if err != nil {
		return Report{}, err
	}
	defer cluster.Close(context.WithoutCancel(ctx))
	if err := cluster.Ready(ctx); err != nil {
		return Report{}, err
	}
	if err := cluster.AddGateway(1, c.SecondGateway); err != nil {
		return Report{}, err
	}
	m := &measurement{c: c, cluster: cluster, clients: newClients(c.Clients, c.Tokens, []string{c.Up.Listen, c.SecondGateway})}
	return m.all(ctx)
}

// measurement is a run in progress.
type measurement struct {
	c       Config
	cluster *local.Cluster
	clients *clients
	began   time.Time
	phases  []Phase
	joins   []Join
	serving []Serving
}

// all lets clients ask while the cluster changes.
func (m *measurement) all(ctx context.Context) (Report, error) {
	err := m.await(ctx, "every process serves", func(s seen) bool { return s.whole(m.c.Up.Nodes, m.c.Up.Routers) })
	if err != nil {
		return Report{}, err
	}
	want, err := m.clients.undisturbed(ctx)
	if err != nil {
		return Report{}, err
	}
	m.clients.reset()
	m.began = time.Now()
	load, end := context.WithCancel(ctx)
	defer end()
	group, whole := errgroup.WithContext(ctx)
	group.Go(func() error { return m.clients.run(load, want) })
	group.Go(func() error {
		defer end()
		return m.change(whole)
	})
	if err := group.Wait(); err != nil {
		return Report{}, err
	}
	return m.report(), nil
}

// phase is a change of the cluster, and the calm after it.
func (m *measurement) phase(ctx context.Context, name string, change func(context.Context) error) error {
	if m.c.Progress != nil {
		m.c.Progress(name)
	}
	p := Phase{Name: name, From: time.Since(m.began).Seconds()}
	m.clients.takeLongest()
	if err := change(ctx); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	p.Took = time.Since(m.began).Seconds() - p.From
	if err := measure.Pause(ctx, m.c.Calm); err != nil {
		return err
	}
	p.LongestMS = m.clients.takeLongest().Seconds() * 1e3
	m.phases = append(m.phases, p)
	return nil
}
