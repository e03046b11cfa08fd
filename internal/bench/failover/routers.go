package failover

import (
	"context"
	"fmt"
	"time"
)

// backoff is longer than a gateway waits before it tries a router that has failed.
const backoff = 6 * time.Second

// routers are the gRPC addresses of the routers that serve, by name.
func (m *measurement) routers(ctx context.Context) (map[string]string, error) {
	view, err := m.cluster.View(ctx)
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for _, r := range view.Routers {
		if r.GetAckedEpoch() > 0 && !r.GetDraining() {
			out[r.GetRouterId()] = r.GetGrpcAddr()
		}
	}
	return out, nil
}

// back waits until every router serves, a killed victim as another process, and the
// gateway sends requests to each of them.
func (m *measurement) back(ctx context.Context, victim string, before map[string]string) error {
	ctx, cancel := context.WithTimeout(ctx, wholeWithin)
	defer cancel()
	for {
		now, err := m.routers(ctx)
		if err != nil {
			return err
		}
		if len(now) == m.c.Up.Routers && (m.c.Fault != RouterKill || now[victim] != before[victim]) {
			break
		}
		if err := pause(ctx, 50*time.Millisecond); err != nil {
			return fmt.Errorf("%s does not serve again: %w", victim, err)
		}
	}
	if m.c.Fault == RouterStop {
		if err := pause(ctx, backoff); err != nil {
			return err
		}
	}
	_, err := m.streams.run(ctx, nil)
	return err
}

// pause waits.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
