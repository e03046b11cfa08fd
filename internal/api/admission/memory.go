package admission

import (
	"runtime"
	"runtime/debug"
	"sync"
	"time"
)

// quiet is how long no large request has been there when the memory of the last ones
// goes back to the system: longer than the gaps of a burst.
const quiet = 2 * time.Second

// memory gives back what large requests have left. The collector does not: it runs when
// the heap has grown as much again, and on an idle router every two minutes.
type memory struct {
	giveBack func()

	mu    sync.Mutex // guards the fields below
	large int        // requests
	timer *time.Timer
}

// taken counts a large request that begins.
func (m *memory) taken() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.large++
	if m.timer != nil {
		m.timer.Stop()
	}
}

// left counts the end of a large request.
func (m *memory) left() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.large--; m.large == 0 {
		m.timer = time.AfterFunc(quiet, m.giveBack)
	}
}

// giveBack collects garbage and gives its pages to the system. Pools keep what they
// hold for one collection; the second one frees it.
func giveBack() {
	runtime.GC()
	debug.FreeOSMemory()
}
