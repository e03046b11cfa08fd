package scheduler

import (
	"errors"
	"fmt"
)

var (
	// ErrQueueFull means that no more requests may wait.
	ErrQueueFull = errors.New("the request queue is full")
	// ErrTooManyTokens means that no more tokens may wait. It is an
	// ErrQueueFull.
	ErrTooManyTokens = fmt.Errorf("%w: too many tokens wait", ErrQueueFull)
)

// Admission bounds what has been accepted and is not finished. The zero value
// accepts nothing.
type Admission struct {
	// Requests may be accepted at a time, running ones included.
	Requests int
	// Tokens may wait to be started; 0 is no bound. A request is accepted
	// whatever its size while no other waits.
	Tokens int

	accepted int
	waiting  int
	tokens   int
}

// Accept takes a request of a number of tokens, or says why not.
func (a *Admission) Accept(tokens int) error {
	switch {
	case a.accepted >= a.Requests:
		return fmt.Errorf("%w: %d requests are being served or wait", ErrQueueFull, a.accepted)
	case a.Tokens > 0 && a.waiting > 0 && a.tokens+tokens > a.Tokens:
		return fmt.Errorf("%w: %d, and %d more would be above %d", ErrTooManyTokens, a.tokens, tokens, a.Tokens)
	}
	a.accepted++
	a.waiting++
	a.tokens += tokens
	return nil
}

// Start moves a request from waiting to running. It is called once.
func (a *Admission) Start(tokens int) {
	a.waiting--
	a.tokens -= tokens
}

// Finish forgets a request that has started.
func (a *Admission) Finish() { a.accepted-- }

// Waiting is how many requests, and how many tokens of theirs, have not
// started.
func (a *Admission) Waiting() (requests, tokens int) { return a.waiting, a.tokens }
