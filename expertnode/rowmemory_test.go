package expertnode

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"unsafe"

	"github.com/hachi-serve/hachi/moe"
)

// lender lends memory and knows what is not back.
type lender struct {
	mu  sync.Mutex // guards out
	out map[*byte]bool
}

func (l *lender) lend(n int) (b []byte, release func()) {
	b = make([]byte, n)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.out[unsafe.SliceData(b)] = true
	return b, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.out, unsafe.SliceData(b))
	}
}

func (l *lender) lent(b []byte) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.out[unsafe.SliceData(b)]
}

// noted is an FFN that notes, for each run, whether its rows and replies lie in lent
// memory.
type noted struct {
	stuck
	memory *lender
	x, y   []bool
}

func (f *noted) Run(ctx context.Context, layer int, groups []moe.Group, x, y []byte) error {
	f.x, f.y = append(f.x, f.memory.lent(x)), append(f.y, f.memory.lent(y))
	return f.stuck.Run(ctx, layer, groups, x, y)
}

// TestRowsLieInLentMemory: replies, and the rows of calls that are merged. All of it comes
// back.
func TestRowsLieInLentMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory := &lender{out: map[*byte]bool{}}
		f := &noted{stuck: stuck{make(chan struct{})}, memory: memory}
		b := ready(t, func(c *Config) { c.FFN, c.RowMemory, c.BatchRows = f, memory.lend, 64 })
		x := []float32{1, 2, 3, 4, 5, 6, 7, 8}
		var all []<-chan outcome
		for _, router := range []moe.RouterID{"a", "b", "c"} { // the first runs, the others wait for it
			c := ask(x, 0, 0, 2)
			c.Router = router
			ended, _ := b.serve(c)
			all = append(all, ended)
			synctest.Wait()
		}
		close(f.gate)
		for _, ended := range all {
			if got := <-ended; got.err != nil {
				t.Error(got.err)
			}
		}
		b.stop(t)
		if len(f.y) != 2 || !f.y[0] || !f.x[1] || !f.y[1] {
			t.Errorf("rows in lent memory %v, replies %v: want two runs, the second one merged", f.x, f.y)
		}
		if len(memory.out) > 0 {
			t.Errorf("%d pieces are not back", len(memory.out))
		}
	})
}
