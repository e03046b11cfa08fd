package failover

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// metric reads what the router counts, about one node unless that is ""; 0
// before its first call.
func metric(ctx context.Context, url, name, node string) (float64, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/metrics", nil)
	if err != nil {
		return 0, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	before := name + " "
	if node != "" {
		before = fmt.Sprintf("%s{node=%q} ", name, node)
	}
	lines := bufio.NewScanner(response.Body)
	for lines.Scan() {
		if text, ok := strings.CutPrefix(lines.Text(), before); ok {
			return strconv.ParseFloat(text, 64)
		}
	}
	return 0, lines.Err()
}

// suspicions is how often the router has put a node last.
func (m *measurement) suspicions(ctx context.Context, node string) (float64, error) {
	return metric(ctx, m.cluster.URL(), "hachi_dispatch_suspicions_total", node)
}

// trusted waits until the router does not put a node last: a node that
// no router calls has no fault that a client could notice.
func (m *measurement) trusted(ctx context.Context, node string) error {
	ctx, cancel := context.WithTimeout(ctx, wholeWithin)
	defer cancel()
	for {
		suspected, err := metric(ctx, m.cluster.URL(), "hachi_dispatch_node_suspected", node)
		if err != nil || suspected == 0 {
			return err
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("the router does not trust %s again: %w", node, ctx.Err())
		}
	}
}
