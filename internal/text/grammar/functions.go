package grammar

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// FunctionFault is a fault in the schema of a function.
type FunctionFault struct {
	Index int
	Err   error
}

func (f *FunctionFault) Error() string { return fmt.Sprintf("function %d: %v", f.Index, f.Err) }

func (f *FunctionFault) Unwrap() error { return f.Err }

// ErrTogether means that no schema of a turn is too large, but all of them are.
var ErrTogether = errors.New("the schemas of the functions together are too large")

// errTogether is ErrTogether and ErrTooLarge.
var errTogether = fmt.Errorf("%w (%w)", ErrTogether, ErrTooLarge)

// maxSuspects is the maximum number of functions that are compiled by themselves to find one that
// is too large.
const maxSuspects = 4

// checkFunctions refuses schemas that are no JSON, and one that is too long by itself.
func (c *Compiler) checkFunctions(calls *Calls) error {
	if calls == nil {
		return nil
	}
	bytes := 0
	for i, f := range calls.Functions {
		bytes += len(f.Schema)
		switch {
		case len(f.Schema) > 4*c.limits.SourceBytes: // blanks do not count
			return &FunctionFault{i, fmt.Errorf("the schema is %w: %d bytes, the limit is %d", ErrTooLarge, len(f.Schema), c.limits.SourceBytes)}
		case !json.Valid(f.Schema):
			return &FunctionFault{i, errors.New("the schema is not JSON")}
		}
	}
	if bytes > 4*c.limits.SourceBytes {
		return fmt.Errorf("%w: %d bytes, the limit is %d", errTogether, bytes, c.limits.SourceBytes)
	}
	return nil
}

// blame finds the function that makes a turn too large: one of the longest schemas that
// is too large by itself. Otherwise all are, together.
func (c *Compiler) blame(t Turn, err error) error {
	suspects := make([]int, len(t.Calls.Functions))
	for i := range suspects {
		suspects[i] = i
	}
	slices.SortStableFunc(suspects, func(a, b int) int { return len(t.Calls.Functions[b].Schema) - len(t.Calls.Functions[a].Schema) })
	for _, i := range suspects[:min(len(suspects), maxSuspects)] {
		calls := *t.Calls
		calls.Functions = t.Calls.Functions[i : i+1]
		if _, fault := c.turn(Turn{Calls: &calls}); errors.Is(fault, ErrTooLarge) {
			return &FunctionFault{i, fault}
		}
	}
	return fmt.Errorf("%w: %w", ErrTogether, err)
}
