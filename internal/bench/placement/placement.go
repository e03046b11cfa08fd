package placement

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hachi-serve/hachi/internal/coordinator/planner"
	"github.com/hachi-serve/hachi/internal/local"
	"github.com/hachi-serve/hachi/internal/router/pipeline"
)

// Config describes a measurement.
type Config struct {
	Up local.UpConfig // its redundant experts are those of every policy
	// The options are all combinations; the first is what the others are compared with.
	Policies     []string
	Replicas     []int
	MicroBatches []int
	Cores        []float64     // of CPU time, for each node; empty limits none
	Delay        time.Duration // of the packets of every node, each way, in network namespaces
	Skew         float64       // of Zipf's law; 0 is an even load
	Sequences    int           // of a decode step
	Context      int           // positions before the decoded one
	WarmUp       int           // steps by the first policy, which measure load and speeds
	Steps        int           // of an option in a round
	Rounds       int
	Seed         uint64
	// Progress is called after every round, unless it is nil.
	Progress func(done, all int)
}

// minCores is what a limit can express: a kernel's quota is at least a millisecond.
const minCores = 0.2

// Validate reports every fault at once.
func (c Config) Validate() error {
	var faults []error
	if len(c.Policies) == 0 {
		faults = append(faults, errors.New("there are no policies"))
	}
	for _, p := range c.Policies {
		if !slices.Contains(planner.Policies(), p) {
			faults = append(faults, fmt.Errorf("policy %q: want one of %v", p, planner.Policies()))
		}
	}
	if len(c.Replicas) == 0 || slices.Min(c.Replicas) < 1 || slices.Max(c.Replicas) > c.Up.Nodes {
		faults = append(faults, fmt.Errorf("replicas %v: want some, 1 to %d each, as many as there are nodes", c.Replicas, c.Up.Nodes))
	}
	if len(c.MicroBatches) == 0 || slices.Min(c.MicroBatches) < 0 || slices.Max(c.MicroBatches) > pipeline.MaxMicroBatches {
		faults = append(faults, fmt.Errorf("micro-batches %v: want some, 0 to %d each", c.MicroBatches, pipeline.MaxMicroBatches))
	}
	if c.Delay < 0 {
		faults = append(faults, fmt.Errorf("packets %v late: want 0 or more", c.Delay))
	}
	if len(c.Cores) > 0 && (len(c.Cores) != c.Up.Nodes || slices.Min(c.Cores) < minCores) {
		faults = append(faults, fmt.Errorf("cores %v: want one number for each of the %d nodes, at least %g", c.Cores, c.Up.Nodes, minCores))
	}
	if c.Skew < 0 || c.Sequences < 1 || c.Context < 0 {
		faults = append(faults, fmt.Errorf("%d sequences at position %d, skew %g: want at least 1, 0 and 0", c.Sequences, c.Context, c.Skew))
	}
	if c.WarmUp < 1 || c.Steps < 1 || c.Rounds < 1 {
		faults = append(faults, fmt.Errorf("%d rounds of %d steps after %d: want at least 1 of each", c.Rounds, c.Steps, c.WarmUp))
	}
	return errors.Join(faults...)
}
