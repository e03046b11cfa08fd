// Package sizing answers, without a cluster, whether machines can serve a model,
// and how fast at most: it plans a placement for them and judges it.
//
// What it owns: nothing; Compute is a pure function.
//
// Invariants: the placement is the one that a coordinator would make for the same
// nodes. The speeds are bounds: they count the experts only, not attention, the
// network or waiting.
//
// Concurrency: safe.
//
// References: type costs of internal/coordinator/planner has the formula.
package sizing
