package role

import (
	"context"
	"slices"
	"sync"

	"github.com/hachi-serve/hachi/internal/weights/checkpoint"
	"github.com/hachi-serve/hachi/moe"
)

// prefetcher fetches weights before they are loaded.
type prefetcher struct {
	ckpt *checkpoint.Checkpoint
	work sync.WaitGroup

	mu    sync.Mutex // guards the field below
	under map[moe.ExpertID]*prefetch
}

// prefetch is one expert that is fetched, or was.
type prefetch struct {
	cancel context.CancelFunc
	done   chan struct{}
	m      *checkpoint.ExpertMap // when done
	err    error
}

// fetch begins to fetch experts, and drops all others.
func (p *prefetcher) fetch(ids []moe.ExpertID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for id, f := range p.under {
		if !slices.Contains(ids, id) {
			delete(p.under, id)
			f.cancel()
			p.work.Go(f.drop)
		}
	}
	for _, id := range ids {
		if p.under[id] == nil {
			ctx, cancel := context.WithCancel(context.Background())
			f := &prefetch{cancel: cancel, done: make(chan struct{})}
			p.under[id] = f
			p.work.Go(func() {
				defer close(f.done)
				f.m, f.err = p.ckpt.LoadExpert(ctx, id)
			})
		}
	}
}

// drop closes what was fetched.
func (f *prefetch) drop() {
	<-f.done
	if f.m != nil {
		f.m.Close() // memory of this process, which nothing reads
	}
}

// take waits for an expert that is fetched. Without one, or if it was dropped meanwhile, it
// fetches the expert itself.
func (p *prefetcher) take(ctx context.Context, id moe.ExpertID) (*checkpoint.ExpertMap, error) {
	p.mu.Lock()
	f := p.under[id]
	p.mu.Unlock()
	if f == nil {
		return p.ckpt.LoadExpert(ctx, id)
	}
	select {
	case <-f.done:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	p.mu.Lock()
	mine := p.under[id] == f
	if mine {
		delete(p.under, id)
	}
	p.mu.Unlock()
	if !mine {
		return p.ckpt.LoadExpert(ctx, id)
	}
	f.cancel()
	return f.m, f.err
}

// close drops everything.
func (p *prefetcher) close() {
	p.fetch(nil)
	p.work.Wait()
}
