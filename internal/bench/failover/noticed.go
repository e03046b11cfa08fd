package failover

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/hachi-serve/hachi/internal/bench/measure"
	"github.com/hachi-serve/hachi/internal/bench/scrape"
	"github.com/hachi-serve/hachi/internal/metric"
)

// metrics are what the router counts.
func (m *measurement) metrics(ctx context.Context) (map[string]float64, error) {
	return scrape.Metrics(ctx, http.DefaultClient, m.cluster.URL())
}

// of is the series of a metric that is about one node.
func of(metric, node string) string { return fmt.Sprintf("%s{node=%q}", metric, node) }

// suspicions is how often the router has put a node last; 0 before its first
// call.
func (m *measurement) suspicions(ctx context.Context, node string) (float64, error) {
	metrics, err := m.metrics(ctx)
	if m.c.Fault.ofRouter() {
		return moved(metrics), err
	}
	return metrics[of(metric.Suspicions.Name, node)], err
}

// trusted waits until the router does not put a node last: a node that
// no router calls has no fault that a client could notice.
func (m *measurement) trusted(ctx context.Context, node string) error {
	if m.c.Fault.ofRouter() {
		return nil // back has waited for it
	}
	ctx, cancel := context.WithTimeout(ctx, wholeWithin)
	defer cancel()
	for {
		metrics, err := m.metrics(ctx)
		if err != nil || metrics[of(metric.NodeSuspected.Name, node)] == 0 {
			return err
		}
		if err := measure.Pause(ctx, 50*time.Millisecond); err != nil {
			return fmt.Errorf("the router does not trust %s again: %w", node, err)
		}
	}
}
