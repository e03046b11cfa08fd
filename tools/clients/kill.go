package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"syscall"
	"time"
)

// target is the cluster whose processes die.
type target interface {
	status(context.Context) (report, error)
	running(context.Context) (map[string]int, error) // answers, by router
}

// The kinds of processes that die.
const (
	node   = "node"
	router = "router"
)

// killer kills one process after the other, at the request of a client that reads a
// stream.
type killer struct {
	cluster target
	kill    func(pid int) error

	mu    sync.Mutex
	dead  []int          // process ids
	count map[string]int // of the dead, by kind
	alive *report        // nil until the cluster is known to be whole
}

var errIdle = errors.New("no answer was drawn when the process died: ask for a longer answer, or kill earlier")

func newKiller(c target) *killer {
	return &killer{cluster: c, count: map[string]int{}, kill: func(pid int) error { return syscall.Kill(pid, syscall.SIGKILL) }}
}

// whole reports whether every node and every router serves, in a process that is not
// one of dead.
func whole(found report, dead []int) bool {
	return len(found.nodes) == nodes && len(found.routers) == routers && !slices.ContainsFunc(slices.Concat(found.nodes, found.routers), func(p process) bool {
		return !p.Ready || p.PID == 0 || slices.Contains(dead, p.PID)
	})
}

// recovered reports whether all processes serve again.
func (k *killer) recovered(ctx context.Context) bool {
	found, err := k.cluster.status(ctx)
	k.mu.Lock()
	defer k.mu.Unlock()
	if err != nil || !whole(found, k.dead) {
		return false
	}
	k.alive = &found
	return true
}

// strike kills the next node, or the router that draws the answer. It fails if no
// answer was drawn then, because the death of a process would prove nothing.
func (k *killer) strike(ctx context.Context, kind string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.alive == nil {
		return errors.New("wait until all processes serve, before one is killed")
	}
	answers, err := k.cluster.running(ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(k.alive.routers, func(p process) bool { return answers[p.Name] > 0 })
	if i < 0 {
		return errIdle
	}
	victim := k.alive.routers[i]
	if kind == node {
		victim = k.alive.nodes[k.count[node]%len(k.alive.nodes)]
	}
	k.alive = nil
	if err := k.kill(victim.PID); err != nil {
		return fmt.Errorf("kill %s, process %d: %w", victim.Name, victim.PID, err)
	}
	k.dead = append(k.dead, victim.PID)
	k.count[kind]++
	if kind == router {
		return nil // the gateway counts the answers that move
	}
	if answers, err = k.cluster.running(ctx); err != nil || !slices.ContainsFunc(slices.Collect(maps.Values(answers)), func(n int) bool { return n > 0 }) {
		return errors.Join(errIdle, err)
	}
	return nil
}

// kills returns how many processes of a kind were killed.
func (k *killer) kills(kind string) int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.count[kind]
}

// handler serves POST /whole, which answers when every process serves, and POST
// /kill/node and /kill/router.
func (k *killer) handler(wait func(context.Context, time.Duration, func(context.Context) bool) error) http.Handler {
	mux := http.NewServeMux()
	answer := func(w http.ResponseWriter, err error) {
		if err != nil {
			http.Error(w, err.Error(), http.StatusConflict)
		}
	}
	mux.HandleFunc("POST /whole", func(w http.ResponseWriter, r *http.Request) {
		answer(w, wait(r.Context(), time.Minute, k.recovered))
	})
	for _, kind := range []string{node, router} {
		mux.HandleFunc("POST /kill/"+kind, func(w http.ResponseWriter, r *http.Request) { answer(w, k.strike(r.Context(), kind)) })
	}
	return mux
}
