package admission

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	"golang.org/x/sync/semaphore"
)

const (
	// Small is the maximum length of a body that passes without a Budget, bytes.
	Small = 64 << 10
	// DefaultBytes is what the bodies of large requests may have together.
	DefaultBytes = 32 << 20
)

// ErrBusy means that other large requests are being read.
var ErrBusy = errors.New("the server is reading other large requests")

// Budget bounds the large requests of a router that are not admitted yet. A nil Budget
// bounds nothing.
type Budget struct {
	bytes   *semaphore.Weighted
	workers *semaphore.Weighted
	memory  memory
}

// New makes a budget for bodies of at most bytes together, of which at most workers are
// worked on at once.
func New(bytes int64, workers int) *Budget {
	return &Budget{bytes: semaphore.NewWeighted(bytes), workers: semaphore.NewWeighted(int64(workers)), memory: memory{giveBack: giveBack}}
}

// Default makes the budget of a router: half of the processors may work on large
// requests, so that steps find the others.
func Default() *Budget { return New(DefaultBytes, max(1, runtime.GOMAXPROCS(0)/2)) }

// Pass returns the pass of a request. Leave must be called.
func (b *Budget) Pass() *Pass { return &Pass{budget: b} }

// Pass is the way of one request through a budget.
type Pass struct {
	budget  *Budget
	bytes   int64 // held
	working bool
}

// Hold takes the place of a body of a length. The error is ErrBusy.
func (p *Pass) Hold(bytes int64) error {
	if p.budget == nil || bytes <= Small || bytes <= p.bytes {
		return nil
	}
	if !p.budget.bytes.TryAcquire(bytes - p.bytes) {
		return ErrBusy
	}
	if p.bytes == 0 {
		p.budget.memory.taken()
	}
	p.bytes = bytes
	return nil
}

// Work waits for a worker if the request is large.
func (p *Pass) Work(ctx context.Context) error {
	if p.bytes == 0 || p.working {
		return nil
	}
	if err := p.budget.workers.Acquire(ctx, 1); err != nil {
		return fmt.Errorf("waiting for the work on other large requests: %w", err)
	}
	p.working = true
	return nil
}

// Leave gives back what the request holds. Later calls do nothing.
func (p *Pass) Leave() {
	if p.working {
		p.budget.workers.Release(1)
		p.working = false
	}
	if p.bytes > 0 {
		p.budget.bytes.Release(p.bytes)
		p.bytes = 0
		p.budget.memory.left()
	}
}
