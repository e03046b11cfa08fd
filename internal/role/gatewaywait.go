package role

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/hachi-serve/hachi/internal/episode"
	"github.com/hachi-serve/hachi/internal/gateway/balance"
	"github.com/hachi-serve/hachi/internal/gateway/remote"
)

// routerWait logs that a gateway waits for routers, and why: at its start for any,
// later for those of its model.
type routerWait struct {
	pool *remote.Pool

	mu    sync.Mutex // guards model
	model balance.Model
}

// serve notes the model that the gateway serves; its context is 0 while no router is chosen.
func (w *routerWait) serve(m balance.Model) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.model = m
}

// obstacle says why no router takes requests; "" if one does.
func (w *routerWait) obstacle() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if why := w.pool.Obstacle(w.model); why != "" || w.model.Fingerprint != "" {
		return why
	}
	return "no placement is published, which says what the cluster serves"
}

// watch observes the wait until ctx ends. The function that it returns joins it.
func (w *routerWait) watch(ctx context.Context, logger *slog.Logger) (join func()) {
	log := episode.NewWait(logger, slog.LevelWarn, "waiting for a router", "a router takes requests")
	var done sync.WaitGroup
	done.Go(func() {
		look := time.NewTicker(time.Second)
		defer look.Stop()
		for {
			obstacle := w.obstacle()
			log.Observe(time.Now(), obstacle != "", w.obstacle)
			select {
			case <-look.C:
			case <-ctx.Done():
				return
			}
		}
	})
	return done.Wait
}
