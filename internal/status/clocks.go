package status

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc"
)

const (
	// clocksEvery is the age from which the clock of a node or a coordinator is asked for
	// again, and maxClocks how many of them are asked at once.
	clocksEvery = time.Minute
	maxClocks   = 8
)

// clocks are those of expert nodes and coordinators, which say no more of themselves
// than their health. Those of routers and gateways come with their descriptions.
type clocks struct {
	mu    sync.Mutex // guards known
	known map[string]askedClock
}

// askedClock is a clock and when it was asked for.
type askedClock struct {
	Clock
	at time.Time
}

// dialers connect to the nodes and coordinators of a view, by name.
func (v View) dialers() map[string]func() (*grpc.ClientConn, error) {
	out := map[string]func() (*grpc.ClientConn, error){}
	for _, n := range v.Nodes {
		out[n.GetNodeId()] = func() (*grpc.ClientConn, error) { return v.DialNode(n) }
	}
	for _, c := range v.Coordinators {
		out[c.GetCoordinatorId()] = func() (*grpc.ClientConn, error) { return v.DialCoordinator(c) }
	}
	return out
}

// ask asks those for their clocks that were not asked lately, the longest ago first. One
// that does not answer has no clock until it is asked again.
func (c *clocks) ask(ctx context.Context, v View, now time.Time) map[string]Clock {
	all := v.dialers()
	var wait sync.WaitGroup
	for _, name := range c.due(all, now) {
		wait.Go(func() {
			clock := askClock(ctx, all[name])
			c.mu.Lock()
			defer c.mu.Unlock()
			c.known[name] = askedClock{clock, now}
		})
	}
	wait.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	out := map[string]Clock{}
	for name, k := range c.known {
		if k.Known {
			out[name] = k.Clock
		}
	}
	return out
}

// due are the processes to ask. The others of an earlier view are forgotten.
func (c *clocks) due(all map[string]func() (*grpc.ClientConn, error), now time.Time) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known == nil {
		c.known = map[string]askedClock{}
	}
	maps.DeleteFunc(c.known, func(name string, _ askedClock) bool { return all[name] == nil })
	var due []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if k, asked := c.known[name]; !asked || now.Sub(k.at) >= clocksEvery {
			due = append(due, name)
		}
	}
	slices.SortStableFunc(due, func(a, b string) int { return c.known[a].at.Compare(c.known[b].at) })
	return due[:min(len(due), maxClocks)]
}

func askClock(ctx context.Context, dial func() (*grpc.ClientConn, error)) Clock {
	conn, err := dial()
	if err != nil {
		return Clock{}
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(ctx, processTimeout)
	defer cancel()
	health, err := AskHealth(ctx, conn)
	if err != nil {
		return Clock{}
	}
	return health.Clock
}
