package overload

import (
	"context"
	"fmt"
	"time"

	"github.com/hachi-serve/hachi/internal/bench/measure"
	"github.com/hachi-serve/hachi/internal/bench/scrape"
	"github.com/hachi-serve/hachi/internal/metric"
)

// Left is what an idle router holds; all of it should be 0.
type Left struct {
	Running float64 `json:"running"`
	Waiting float64 `json:"waiting"`
	Usage   float64 `json:"kv_usage"` // share of KV blocks in use
}

// idle waits until nothing runs, for a while, and reads what is left.
func (m measurement) idle(ctx context.Context) (left Left, err error) {
	for deadline := time.Now().Add(idleWithin); ; {
		if left, err = m.left(ctx); err != nil || left == (Left{}) || time.Now().After(deadline) {
			return left, err
		}
		if err := measure.Pause(ctx, 50*time.Millisecond); err != nil {
			return left, err
		}
	}
}

// left reads the router's metrics.
func (m measurement) left(ctx context.Context) (left Left, err error) {
	metrics, err := scrape.Metrics(ctx, m.client.HTTP, m.client.URL)
	if err != nil {
		return left, err
	}
	for name, to := range map[string]*float64{
		metric.Running.Name: &left.Running, metric.Waiting.Name: &left.Waiting, metric.KVUsage.Name: &left.Usage,
	} {
		value, ok := metrics[name]
		if !ok {
			return left, fmt.Errorf("the router has no metric %s, which says what an idle router holds", name)
		}
		*to = value
	}
	return left, nil
}
