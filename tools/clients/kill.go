package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"syscall"
	"time"
)

// target is the cluster whose nodes die.
type target interface {
	status(context.Context) ([]node, error)
	running(context.Context) (int, error)
}

// killer kills one node after the other, at the request of a client that reads a
// stream.
type killer struct {
	cluster target
	kill    func(pid int) error

	mu    sync.Mutex
	dead  []int // process ids
	alive []node
}

var errIdle = errors.New("the router computed no request when the node died: ask for a longer answer, or kill earlier")

func newKiller(c target) *killer {
	return &killer{cluster: c, kill: func(pid int) error { return syscall.Kill(pid, syscall.SIGKILL) }}
}

// whole reports whether every node serves, in a process that is not one of dead.
func whole(found []node, dead []int) bool {
	return len(found) == nodes && !slices.ContainsFunc(found, func(n node) bool {
		return n.State != "serving" || n.PID == 0 || slices.Contains(dead, n.PID)
	})
}

// recovered reports whether all nodes serve again.
func (k *killer) recovered(ctx context.Context) bool {
	found, err := k.cluster.status(ctx)
	k.mu.Lock()
	defer k.mu.Unlock()
	if err != nil || !whole(found, k.dead) {
		return false
	}
	k.alive = found
	return true
}

// strike kills the next node. It fails if no request was running then, because the
// death of a node would prove nothing.
func (k *killer) strike(ctx context.Context) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.alive == nil {
		return errors.New("wait until the nodes serve, before a node is killed")
	}
	victim := k.alive[len(k.dead)%len(k.alive)]
	k.alive = nil
	if err := k.kill(victim.PID); err != nil {
		return fmt.Errorf("kill %s, process %d: %w", victim.Name, victim.PID, err)
	}
	k.dead = append(k.dead, victim.PID)
	if n, err := k.cluster.running(ctx); err != nil || n == 0 {
		return errors.Join(errIdle, err)
	}
	return nil
}

func (k *killer) kills() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.dead)
}

// handler serves POST /whole, which answers when every node serves, and POST /kill.
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
	mux.HandleFunc("POST /kill", func(w http.ResponseWriter, r *http.Request) { answer(w, k.strike(r.Context())) })
	return mux
}
