package status

import (
	"context"
	"sync"
	"time"
)

const (
	// lookOften is the time between two looks while a person watches, lookSeldom while
	// none does, and watchFor how long a single question counts as watching.
	lookOften  = time.Second
	lookSeldom = 10 * time.Second
	watchFor   = 30 * time.Second
)

// Watcher looks at a cluster again and again, and notifies those who follow it.
type Watcher struct {
	*Recorder
	now func() time.Time

	mu        sync.Mutex // guards the fields below
	changed   chan struct{}
	followers int
	asked     time.Time     // the last question
	wake      chan struct{} // capacity 1: somebody began to watch
}

// NewWatcher has looked at nothing.
func NewWatcher() *Watcher {
	return &Watcher{Recorder: NewRecorder(), now: time.Now, changed: make(chan struct{}), wake: make(chan struct{}, 1)}
}

// Run looks until ctx ends.
func (w *Watcher) Run(ctx context.Context, look func(context.Context) State) {
	for {
		if s := look(ctx); ctx.Err() == nil {
			w.Observe(s)
			w.notify()
		}
		timer := time.NewTimer(w.pause())
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-w.wake:
			timer.Stop()
		case <-timer.C:
		}
	}
}

// pause is the time to the next look.
func (w *Watcher) pause() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.watched() {
		return lookOften
	}
	return lookSeldom
}

// watched reports whether a person may see the next state. w.mu is held.
func (w *Watcher) watched() bool { return w.followers > 0 || w.now().Sub(w.asked) < watchFor }

// Ask notes that a person looks: the state is kept fresh for a while.
func (w *Watcher) Ask() { w.begin(0) }

// Follow keeps the state fresh until leave is called.
func (w *Watcher) Follow() (leave func()) {
	w.begin(1)
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.followers--
	}
}

func (w *Watcher) begin(followers int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	asleep := !w.watched()
	w.followers, w.asked = w.followers+followers, w.now()
	if asleep {
		select {
		case w.wake <- struct{}{}:
		default:
		}
	}
}

// Changed is closed when the next state has been observed.
func (w *Watcher) Changed() <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.changed
}

func (w *Watcher) notify() {
	w.mu.Lock()
	defer w.mu.Unlock()
	close(w.changed)
	w.changed = make(chan struct{})
}
