package share

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/hachi-serve/hachi/internal/bench/measure"
	"github.com/hachi-serve/hachi/internal/local"
)

// Config describes a measurement.
type Config struct {
	Up          local.UpConfig // of every cluster; the budget of cores is the scene's
	ListenOther string         // HTTP listener of the second cluster
	BudgetDir   string         // where the budget of a scene is made, in shared memory
	Streams     int            // of each cluster, at once
	Prompt      int            // tokens
	Answer      int            // tokens
	Settle      time.Duration  // of load before a turn counts
	For         time.Duration  // of a turn
	Rounds      int
	// Progress is called after every turn, unless it is nil.
	Progress func(Scene, int)
}

// Validate reports every fault at once.
func (c Config) Validate() error {
	var faults []error
	for name, n := range map[string]int{"streams": c.Streams, "prompt tokens": c.Prompt, "answer tokens": c.Answer, "rounds": c.Rounds} {
		if n < 1 {
			faults = append(faults, fmt.Errorf("%d %s: want at least 1", n, name))
		}
	}
	if c.Settle < 0 || c.For < every {
		faults = append(faults, fmt.Errorf("%v to settle, then %v: want at least 0s, then %v", c.Settle, c.For, every))
	}
	return errors.Join(faults...)
}

// Scene is which clusters run.
type Scene string

const (
	Alone   Scene = "one cluster"
	Divided Scene = "two, each on its own"
	Shared  Scene = "two, one budget of cores"
)

func (s Scene) clusters() int {
	if s == Alone {
		return 1
	}
	return 2
}

// turn is what was measured of a scene in a round.
type turn struct {
	rates          []float64 // tokens per second of each cluster
	all, computing Demand
}

// Run plays every scene in every round.
func Run(ctx context.Context, c Config) (Report, error) {
	if err := c.Validate(); err != nil {
		return Report{}, err
	}
	scenes := []Scene{Alone, Divided, Shared}
	turns := map[Scene][]turn{}
	for round := range c.Rounds {
		for _, s := range measure.Turns(scenes, round) {
			one, err := c.play(ctx, s)
			if err != nil {
				return Report{}, fmt.Errorf("%s, round %d: %w", s, round, err)
			}
			turns[s] = append(turns[s], one)
			if c.Progress != nil {
				c.Progress(s, round)
			}
		}
	}
	return reportOf(c, runtime.GOMAXPROCS(0), scenes, turns), nil
}
