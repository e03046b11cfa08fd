package automaton

import (
	"errors"
	"fmt"
)

// ErrTooLarge is wrapped by errors about limits.
var ErrTooLarge = errors.New("too large")

// StepBytes is the maximum memory that a step of a Budget keeps, on average.
const StepBytes = 64

// Budget bounds the work for one source, whatever it is made of: expressions,
// products, drawings, automata. It belongs to one goroutine.
type Budget struct {
	// States bounds each automaton.
	States int
	steps  int // that are left
}

// NewBudget allows some states of each automaton, and some steps of all together: a
// step is a visit to a node, a state, a transition or a range of characters.
func NewBudget(states, steps int) *Budget { return &Budget{states, steps} }

// Spend takes steps. It is false when none are left.
func (b *Budget) Spend(steps int) bool {
	b.steps -= steps
	return b.steps >= 0
}

// Spent reports that no steps are left.
func (b *Budget) Spent() bool { return b.steps < 0 }

// Err says that the budget does not suffice for an automaton with some states; nil
// that it does.
func (b *Budget) Err(states int) error {
	switch {
	case states > b.States:
		return fmt.Errorf("%w: more than %d states", ErrTooLarge, b.States)
	case b.Spent():
		return fmt.Errorf("%w: it needs too much work", ErrTooLarge)
	}
	return nil
}
