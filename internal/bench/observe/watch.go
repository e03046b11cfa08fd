package observe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/hachi-serve/hachi/internal/identity"
	"github.com/hachi-serve/hachi/internal/local"
)

// openPage is the page of the console that changes the most.
const openPage = "/console/live/experts"

// watch reads the metrics of a router again and again, and has a page of its console open.
type watch struct {
	http    *http.Client
	url     string // of the admin API
	key     string // an operator's
	every   time.Duration
	scrapes atomic.Int64 // pages of metrics that were read
	events  atomic.Int64 // bytes that the console has sent
}

func newWatch(ctx context.Context, c *local.Cluster, admin, key string, every time.Duration) (*watch, error) {
	where, err := c.Where()
	if err != nil {
		return nil, err
	}
	view, err := c.View(ctx)
	if err != nil {
		return nil, err
	}
	if len(view.Routers) != 1 {
		return nil, fmt.Errorf("%d routers are registered, want 1", len(view.Routers))
	}
	return &watch{
		http: &http.Client{Transport: &http.Transport{TLSClientConfig: where.By.ClientTLS(identity.Router, view.Routers[0].GetRouterId())}},
		url:  "https://" + admin, key: key, every: every,
	}, nil
}

// begin watches until end, which returns what failed. A nil watch watches nothing.
func (w *watch) begin(ctx context.Context) (end func() error, err error) {
	if w == nil {
		return func() error { return nil }, nil
	}
	ctx, cancel := context.WithCancel(ctx)
	page, err := w.get(ctx, openPage, "text/event-stream")
	if err != nil {
		cancel()
		return nil, err
	}
	ended := make(chan error, 2)
	go func() { ended <- w.follow(ctx, page) }()
	go func() { ended <- w.scrape(ctx) }()
	return func() error {
		cancel()
		err := errors.Join(<-ended, <-ended)
		w.http.CloseIdleConnections()
		return err
	}, nil
}

// get asks for a page; its body must be closed.
func (w *watch) get(ctx context.Context, path, accept string) (io.ReadCloser, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, w.url+path, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", "Bearer "+w.key)
	r.Header.Set("Accept", accept)
	resp, err := w.http.Do(r)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		resp.Body.Close()
		return nil, fmt.Errorf("%s: status %s", path, resp.Status)
	}
	return resp.Body, nil
}

// follow reads what an open page gets, until ctx ends.
func (w *watch) follow(ctx context.Context, page io.ReadCloser) error {
	defer page.Close()
	buffer := make([]byte, 64<<10)
	for {
		n, err := page.Read(buffer)
		w.events.Add(int64(n))
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return fmt.Errorf("the console ended: %w", err)
		}
	}
}

// scrape reads the metrics, at once and then again and again, until ctx ends.
func (w *watch) scrape(ctx context.Context) error {
	tick := time.NewTicker(w.every)
	defer tick.Stop()
	for {
		page, err := w.get(ctx, "/metrics", "application/openmetrics-text")
		if err == nil {
			_, err = io.Copy(io.Discard, page)
			page.Close()
		}
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return err
		}
		w.scrapes.Add(1)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}
