package scale

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/hachi-serve/hachi/internal/bench/cell"
	"github.com/hachi-serve/hachi/internal/local"
)

// Config describes the cells that are measured.
type Config struct {
	Up local.UpConfig // of every cluster; nodes, replicas, threads and micro-batches are the cells'
	// The table.
	Nodes, Replicas, Threads, MicroBatches, Batch []int
	Prompt, Answer                                int // tokens
	// Tokens is how many tokens of answers a round has at least: a stream writes as many
	// answers, one after another, as that takes.
	Tokens int
	Rounds int
	Seed   uint64
	// Delay and Loss are of the packets of every node, each way, in network namespaces.
	Delay time.Duration
	Loss  float64
	Fault cell.Fault
	Out   string // directory of the files
	// Progress is called before a cluster starts, and after each cell.
	Progress func(format string, args ...any)
}

// Validate reports every fault at once.
func (c Config) Validate() error {
	var faults []error
	bad := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	for name, list := range map[string][]int{"nodes": c.Nodes, "replicas": c.Replicas, "sequences": c.Batch} {
		if len(list) == 0 || slices.Min(list) < 1 {
			bad("%s %v: want some, 1 or more each", name, list)
		}
	}
	for name, list := range map[string][]int{"threads": c.Threads, "micro-batches": c.MicroBatches} {
		if len(list) == 0 || slices.Min(list) < 0 {
			bad("%s %v: want some, 0 or more each", name, list)
		}
	}
	if c.Prompt < 1 || c.Answer <= cell.Settled || c.Tokens < 1 || c.Rounds < 1 {
		bad("%d rounds of %d tokens, %d of an answer to prompts of %d: want at least 1 of 1, %d to 1", c.Rounds, c.Tokens, c.Answer, c.Prompt, cell.Settled+1)
	}
	if c.Delay < 0 || !(c.Loss >= 0 && c.Loss < 1) {
		bad("packets %v late, a share of %v lost: want 0 or more, and 0 to 1", c.Delay, c.Loss)
	}
	if c.Fault != cell.None && c.Fault != cell.Kill {
		bad("fault %q: want %q or none", c.Fault, cell.Kill)
	}
	if c.Out == "" {
		bad("a directory for the files is required")
	}
	return errors.Join(faults...)
}

// clusters are the settings to be measured, those that one cluster serves together.
func (c Config) clusters() (out [][]cell.Setting) {
	for _, nodes := range c.Nodes {
		for _, replicas := range c.Replicas {
			for _, threads := range c.Threads {
				for _, micro := range c.MicroBatches {
					if replicas > nodes {
						continue
					}
					var group []cell.Setting
					for _, batch := range c.Batch {
						group = append(group, cell.Setting{
							Model: filepath.Base(c.Up.Model.Dir), Quantize: c.Up.Model.Quantize, Nodes: nodes, Replicas: replicas, Threads: threads, MicroBatches: micro,
							Batch: batch, Prompt: c.Prompt, Answer: c.Answer, Answers: max(1, (c.Tokens+batch*c.Answer-1)/(batch*c.Answer)), DelayMS: c.Delay.Seconds() * 1e3, Loss: c.Loss, Fault: c.Fault,
						})
					}
					out = append(out, group)
				}
			}
		}
	}
	return out
}

// Run measures the cells that have no file.
func Run(ctx context.Context, c Config) (Report, error) {
	if err := c.Validate(); err != nil {
		return Report{}, err
	}
	if err := os.MkdirAll(c.Out, 0o755); err != nil {
		return Report{}, err
	}
	var all []cell.Setting
	for _, group := range c.clusters() {
		all = append(all, group...)
		var missing []cell.Setting
		for _, s := range group {
			done, err := s.Measured(c.Out)
			if err != nil {
				return Report{}, err
			}
			if !done {
				missing = append(missing, s)
			}
		}
		if len(missing) == 0 {
			continue
		}
		if err := c.measure(ctx, missing); err != nil {
			return Report{}, fmt.Errorf("%s: %w", missing[0].Name(), err)
		}
	}
	return reportOf(c.Out, all)
}

// Report are the cells of a table.
type Report struct {
	Cells []cell.Cell `json:"cells"`
}

// reportOf reads the files of settings.
func reportOf(dir string, all []cell.Setting) (r Report, err error) {
	for _, s := range all {
		c, err := cell.Of(dir, s)
		if err != nil {
			return r, err
		}
		r.Cells = append(r.Cells, c)
	}
	return r, nil
}
