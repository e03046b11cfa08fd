package failover

import (
	"context"
	"fmt"
	"time"

	"github.com/hachi-serve/hachi/internal/bench/measure"
	"github.com/hachi-serve/hachi/internal/metric"
)

// idle are the gossip addresses of the routers that serve and draw no answer, by name: a
// process that starts again keeps its other addresses, and its record may outlive it. A
// gateway reads the same loads: one that still believed in answers of the last repetition
// would send all of this one's elsewhere, and a fault could hit a router without any.
func (m *measurement) idle(ctx context.Context) (map[string]string, error) {
	view, err := m.cluster.View(ctx)
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for _, r := range view.Routers {
		if r.GetAckedEpoch() > 0 && !r.GetDraining() && r.GetLoad() == 0 {
			out[r.GetRouterId()] = r.GetGossipAddr()
		}
	}
	return out, nil
}

// back waits until every router serves and is idle, a killed victim at another gossip
// address than before, and the gateway trusts each of them; it returns those addresses.
// Before the first fault there is no victim.
func (m *measurement) back(ctx context.Context, victim string, before map[string]string) (map[string]string, error) {
	ctx, cancel := context.WithTimeout(ctx, wholeWithin)
	defer cancel()
	for {
		now, err := m.idle(ctx)
		if err != nil {
			return nil, err
		}
		metrics, err := m.metrics(ctx)
		if err != nil {
			return nil, err
		}
		trusted := 0
		for router := range now {
			if suspected, known := metrics[fmt.Sprintf("%s{router=%q}", metric.RouterSuspected.Name, router)]; known && suspected == 0 {
				trusted++
			}
		}
		reborn := victim == "" || m.c.Fault != RouterKill || now[victim] != before[victim]
		if trusted == m.c.Up.Routers && reborn {
			return now, nil
		}
		if err := measure.Pause(ctx, 50*time.Millisecond); err != nil {
			return nil, fmt.Errorf("the routers do not serve again, or are not idle: %w", err)
		}
	}
}
