package batcher

import (
	"time"

	"github.com/hachi-serve/hachi/moe"
)

// Batch is what one computation takes together, for an owner that computes by its own
// means and its own clock instead of Run.
type Batch struct {
	Layer  int
	Groups []moe.Group // experts ascending, each once
	Rows   int         // (row, expert) pairs

	owner   *Batcher
	started time.Time
}

// Take forms the next batch; false when no task waits. The owner ends it with Finish
// before it takes another. Run is not called.
func (b *Batcher) Take() (Batch, bool) {
	b.mu.Lock()
	if b.queue.empty() || b.closed {
		b.mu.Unlock()
		return Batch{}, false
	}
	b.form()
	b.mu.Unlock()
	out := Batch{Layer: b.batch[0].Call.Layer, Groups: b.batch[0].Call.Groups, owner: b, started: b.cfg.Now()}
	if len(b.batch) > 1 {
		b.merger.gather(b.batch, b.cfg.RowBytes)
		out.Groups = b.merger.groups
	}
	for _, g := range out.Groups {
		out.Rows += len(g.Index)
	}
	return out, true
}

// Finish ends a batch that took until now, and calls Done of its tasks.
func (b Batch) Finish() { b.owner.finish(b.started, b.owner.cfg.Now().Sub(b.started)) }
