package memory

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// every is the time between two samples.
const every = time.Second / 2

// Process is a process that may be started again with another id.
type Process interface{ PID() int }

// Watch samples the memory of processes, all together.
type Watch struct {
	quit chan struct{}
	done sync.WaitGroup

	mu      sync.Mutex // guards samples
	samples []sample
}

type sample struct {
	at    time.Time
	bytes int64
}

// Start watches processes until Stop.
func Start[P Process](processes ...P) *Watch {
	w := &Watch{quit: make(chan struct{})}
	w.done.Go(func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			var sum int64
			for _, p := range processes {
				sum += anonymous(p.PID())
			}
			w.mu.Lock()
			w.samples = append(w.samples, sample{time.Now(), sum})
			w.mu.Unlock()
			select {
			case <-tick.C:
			case <-w.quit:
				return
			}
		}
	})
	return w
}

// Stop ends the watch.
func (w *Watch) Stop() {
	close(w.quit)
	w.done.Wait()
}

// Most is the largest sample of a time, bytes; 0 without one.
func (w *Watch) Most(from, to time.Time) (most int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.samples {
		if !s.at.Before(from) && s.at.Before(to) {
			most = max(most, s.bytes)
		}
	}
	return most
}

// Growth compares the second quarter of a load with its last.
type Growth struct {
	Before int64 `json:"second_quarter_bytes"` // the largest sample of it
	After  int64 `json:"last_quarter_bytes"`
}

// Growth splits a time into quarters. The first is left out: caches fill.
func (w *Watch) Growth(from, to time.Time) Growth {
	quarter := to.Sub(from) / 4
	return Growth{Before: w.Most(from.Add(quarter), from.Add(2*quarter)), After: w.Most(to.Add(-quarter), to)}
}

// Exceeds says whether memory grew by more than a factor.
func (g Growth) Exceeds(factor float64) bool { return float64(g.After) > factor*float64(g.Before) }

// String implements fmt.Stringer.
func (g Growth) String() string {
	return fmt.Sprintf("%d MB in the second quarter, %d MB in the last", g.Before>>20, g.After>>20)
}

// anonymous is the resident memory that no other process shares; 0 when unknown.
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
