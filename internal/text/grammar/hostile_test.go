package grammar

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/internal/text/grammar/automaton"
)

// TestASchemaOfManyPartsIsRefusedEarly: looking each of 5,000 names up in 5,000
// schemas took six seconds and 560 MiB.
func TestASchemaOfManyPartsIsRefusedEarly(t *testing.T) {
	c := compiler(t, small(), DefaultLimits())
	parts := make([]string, 5000)
	for i := range parts {
		parts[i] = fmt.Sprintf(`{"properties":{"k%d":{"const":%d}}}`, i, i)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := c.Schema([]byte(`{"allOf":[` + strings.Join(parts, ",") + `]}`))
	runtime.ReadMemStats(&after)
	if !errors.Is(err, ErrTooLarge) {
		t.Errorf("%v", err)
	}
	if cost := (after.TotalAlloc - before.TotalAlloc) >> 20; cost > 20 {
		t.Errorf("the refusal allocates %d MiB", cost)
	}
}

// TestCompilationsWaitInALineThatEnds: beyond Limits.Waiting they are refused, and one
// that waits goes with its request. What is known already does not wait.
func TestCompilationsWaitInALineThatEnds(t *testing.T) {
	limits := DefaultLimits()
	limits.Waiting = 2
	c := compiler(t, small(), limits)
	if _, err := c.Regex("known"); err != nil {
		t.Fatal(err)
	}
	regex := func(ctx context.Context, expression string) error {
		_, err := c.TextWithin(ctx, Text{Regex: &expression})
		return err
	}
	running, end := make(chan struct{}), make(chan struct{})
	ended := make(chan error)
	go func() {
		_, err := c.remember(t.Context(), "slow", func() (*automaton.Machine, error) {
			close(running)
			<-end
			return nil, errors.New("compiled")
		})
		ended <- err
	}()
	<-running
	ctx, cancel := context.WithCancel(t.Context())
	go func() { ended <- regex(ctx, "waits") }()
	for c.waiting.Load() < 2 {
		runtime.Gosched()
	}
	if err := regex(t.Context(), "too many"); !errors.Is(err, ErrBusy) {
		t.Errorf("a third: %v", err)
	}
	if err := regex(t.Context(), "known"); err != nil {
		t.Errorf("a known one: %v", err)
	}
	if cancel(); !errors.Is(<-ended, context.Canceled) {
		t.Error("one that waited for a request that has gone was compiled")
	}
	close(end)
	if err := <-ended; err == nil || err.Error() != "compiled" {
		t.Error(err)
	}
}
