package overload

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hachi-serve/hachi/internal/bench/scrape"
	"github.com/hachi-serve/hachi/internal/local"
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
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return left, ctx.Err()
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
		"hachi_num_requests_running": &left.Running, "hachi_num_requests_waiting": &left.Waiting, "hachi_kv_cache_usage_perc": &left.Usage,
	} {
		value, ok := metrics[name]
		if !ok {
			return left, fmt.Errorf("the router has no metric %s, which says what an idle router holds", name)
		}
		*to = value
	}
	return left, nil
}

// memory looks at processes twice a second.
type memory struct {
	quit chan struct{}
	done sync.WaitGroup

	mu    sync.Mutex // guards looks
	looks []look
}

// look is what the processes have together at a time, bytes; 0 where the
// system does not say.
type look struct {
	at    time.Time
	bytes int64
}

func watch(cluster *local.Cluster, nodes int) *memory {
	m := &memory{quit: make(chan struct{})}
	children := []*local.Child{cluster.Child("router-0"), cluster.Child("coordinator-0")}
	for i := range nodes {
		children = append(children, cluster.Child("expert-"+strconv.Itoa(i)))
	}
	m.done.Go(func() {
		tick := time.NewTicker(time.Second / 2)
		defer tick.Stop()
		for {
			var sum int64
			for _, c := range children {
				sum += anonymous(c.PID())
			}
			m.mu.Lock()
			m.looks = append(m.looks, look{time.Now(), sum})
			m.mu.Unlock()
			select {
			case <-tick.C:
			case <-m.quit:
				return
			}
		}
	})
	return m
}

func (m *memory) stop() {
	close(m.quit)
	m.done.Wait()
}

// anonymous is the resident memory that no other process shares; 0 when
// unknown.
func anonymous(pid int) int64 {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(raw)) {
		if value, ok := strings.CutPrefix(line, "RssAnon:"); ok {
			n, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
			if err != nil {
				return 0
			}
			return n << 10
		}
	}
	return 0
}

// Memory compares the second quarter of an overload with its last.
type Memory struct {
	Before int64 `json:"second_quarter_bytes"` // largest seen in it
	After  int64 `json:"last_quarter_bytes"`
}

// between splits a time into quarters. The first is left out: caches fill.
func (m *memory) between(from, to time.Time) (out Memory) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, l := range m.looks {
		switch part := float64(l.at.Sub(from)) / float64(to.Sub(from)); {
		case part >= 0.25 && part < 0.5:
			out.Before = max(out.Before, l.bytes)
		case part >= 0.75 && part < 1:
			out.After = max(out.After, l.bytes)
		}
	}
	return out
}
