package cpu

import "sync"

// Pool is a fixed set of workers that split loops between them. Workers park
// while there is nothing to do.
type Pool struct {
	mu      sync.Mutex // one run at a time
	threads int
	work    chan func()
	done    sync.WaitGroup // workers, for Close
}

// NewPool starts threads-1 workers: the caller of Run is the first.
func NewPool(threads int) *Pool {
	p := &Pool{threads: max(1, threads), work: make(chan func())}
	for range p.threads - 1 {
		p.done.Go(func() {
			for f := range p.work {
				f()
			}
		})
	}
	return p
}

// Close ends the workers. No run may be in flight.
func (p *Pool) Close() {
	close(p.work)
	p.done.Wait()
}

// Run calls f(lo, hi) on disjoint ranges that cover 0..n-1 and returns when
// all have returned.
func (p *Pool) Run(n int, f func(lo, hi int)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	parts := min(p.threads, n)
	var wg sync.WaitGroup
	for part := 1; part < parts; part++ {
		wg.Add(1)
		p.work <- func() {
			defer wg.Done()
			f(part*n/parts, (part+1)*n/parts)
		}
	}
	if parts > 0 {
		f(0, n/parts)
	}
	wg.Wait()
}
