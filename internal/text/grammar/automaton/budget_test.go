package automaton

import (
	"errors"
	"strings"
	"testing"
)

func TestBudget(t *testing.T) {
	b := NewBudget(10, 3)
	if !b.Spend(2) || b.Spent() || b.Err(10) != nil {
		t.Errorf("%+v: %v", b, b.Err(10))
	}
	if err := b.Err(11); !errors.Is(err, ErrTooLarge) || !strings.Contains(err.Error(), "more than 10 states") {
		t.Errorf("11 states: %v", err)
	}
	if b.Spend(2) || !b.Spent() {
		t.Errorf("%+v has steps left", b)
	}
	if err := b.Err(1); !errors.Is(err, ErrTooLarge) || !strings.Contains(err.Error(), "too much work") {
		t.Errorf("no steps left: %v", err)
	}
}
