package grammar

import (
	"errors"
	"fmt"

	"github.com/hachi-serve/hachi/internal/text/grammar/automaton"
	"github.com/hachi-serve/hachi/internal/text/grammar/schema"
)

// Limits bound what a request can cost.
type Limits struct {
	SourceBytes int // of a schema, an expression or a list of choices
	SchemaDepth int // of a schema's own nesting
	States      int // of an automaton: about 40 bytes each
	Steps       int // of the work for one source: visits to nodes, states, transitions and ranges
	Indent      int // blanks after a new line between the tokens of JSON; 0 or more
	Nesting     int // of values of any kind and of recursive schemas in the text
	Readings    int // of an ambiguous text at the same time; also the maximum of branches by $ref
	Sets        int // of readings that a grammar caches: up to 2 KiB each
	Masks       int // that a grammar caches: a bit per token each
	Grammars    int // that a Compiler caches
	Waiting     int // compilations of a Compiler at once; one runs, the others wait
}

// DefaultLimits returns limits for a server: with 32,000 tokens a grammar
// caches at most 2 MiB of masks and 4 MiB of sets.
func DefaultLimits() Limits {
	return Limits{
		SourceBytes: 256 << 10,
		SchemaDepth: 64,
		States:      1 << 16,
		Steps:       1 << 24,
		Indent:      16,
		Nesting:     32,
		Readings:    256,
		Sets:        2048,
		Masks:       512,
		Grammars:    32,
		Waiting:     16,
	}
}

// validate reports every limit out of range.
func (l Limits) validate() error {
	var faults []error
	check := func(name string, value, low, high int) {
		if value < low || value > high {
			faults = append(faults, fmt.Errorf("%s is %d, expected %d to %d", name, value, low, high))
		}
	}
	check("SourceBytes", l.SourceBytes, 1, 1<<24)
	check("SchemaDepth", l.SchemaDepth, 1, 1<<10)
	check("States", l.States, 1<<10, 1<<20)
	check("Steps", l.Steps, 1<<16, 1<<30)
	check("Indent", l.Indent, 0, 1<<10)
	check("Nesting", l.Nesting, 1, 1<<10)
	check("Readings", l.Readings, 1, 1<<10)
	check("Sets", l.Sets, 1, 1<<20)
	check("Masks", l.Masks, 1, 1<<20)
	check("Grammars", l.Grammars, 1, 1<<20)
	check("Waiting", l.Waiting, 1, 1<<20)
	return errors.Join(faults...)
}

// Memory is the maximum number of bytes that one compilation holds at a time: its
// drawing, and what its steps keep. A Compiler compiles one source at a time.
func (l Limits) Memory() int {
	const drawn = 96 // bytes of a node and of the transitions that lead from it
	return schema.DrawingPerState*l.States*drawn + l.Steps*automaton.StepBytes
}

func (l Limits) budget() *automaton.Budget { return automaton.NewBudget(l.States, l.Steps) }

func (l Limits) schema() schema.Limits {
	return schema.Limits{Bytes: l.SourceBytes, Depth: l.SchemaDepth, States: l.States, Steps: l.Steps, Indent: l.Indent}
}

func (l Limits) machine() automaton.Limits {
	return automaton.Limits{Nesting: l.Nesting, Readings: l.Readings, Sets: l.Sets}
}
