package chaos

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// gate is a gateway, as its clients know it. A fault of it cuts their connections, and
// nothing else may.
type gate struct {
	name, url string

	mu   sync.Mutex // guards the fields below
	down bool
	up   time.Time // the end of the last fault
}

// excuses reports whether a request since began may have been cut by a fault of the
// gateway.
func (g *gate) excuses(began time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.down || g.up.After(began)
}

// disturb lets a fault of the gateway happen. The fault is over when the gateway serves
// again, and by another process if the fault ends one: a process that was asked to leave
// still serves for a moment.
func (g *gate) disturb(ctx context.Context, p running, ends bool, fault func() error) error {
	g.set(true)
	before := p.PID()
	err := fault()
	for end := time.Now().Add(mended); ctx.Err() == nil && time.Now().Before(end); wait(ctx, again/2) {
		if (!ends || p.PID() != before) && g.serves(ctx) {
			break
		}
	}
	g.set(false)
	return err
}

func (g *gate) set(down bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.down, g.up = down, time.Now()
}

func (g *gate) serves(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, g.url+"/readyz", nil)
	if err != nil {
		return false
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	response.Body.Close()
	return response.StatusCode == http.StatusOK
}
