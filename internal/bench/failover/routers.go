package failover

import (
	"context"
	"fmt"
	"time"
)

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
// gateway trusts each of them.
func (m *measurement) back(ctx context.Context, victim string, before map[string]string) error {
	ctx, cancel := context.WithTimeout(ctx, wholeWithin)
	defer cancel()
	for {
		now, err := m.routers(ctx)
		if err != nil {
			return err
		}
		metrics, err := m.metrics(ctx)
		if err != nil {
			return err
		}
		trusted := 0
		for router := range now {
			if suspected, known := metrics[fmt.Sprintf("hachi_gateway_router_suspected{router=%q}", router)]; known && suspected == 0 {
				trusted++
			}
		}
		if trusted == m.c.Up.Routers && (m.c.Fault != RouterKill || now[victim] != before[victim]) {
			return nil
		}
		if err := pause(ctx, 50*time.Millisecond); err != nil {
			return fmt.Errorf("%s does not serve again: %w", victim, err)
		}
	}
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
