// Package pipeline carries a step through the layers of a model, in one piece
// or in micro-batches that take turns: while the experts compute one
// micro-batch, attention computes the next.
//
//	attention   A0 A1 A0' A1' ...     A0: attention of micro-batch 0, layer 0
//	experts        E0 E1  E0' ...     E0: dispatch and combine of it
//
// What it owns: the clock, the goroutines of expert calls, the scratch matrices
// of a step, and the measurements that decide whether a split pays. What a
// layer computes is package model's.
//
// Invariants:
//   - The rows of a layer pass attention in ascending order, split or not, so
//     that a split changes no bit.
//   - In the last layer only rows whose logits are wanted go on behind their keys and
//     values: nothing reads what the others would become. A chunk in the middle of a
//     prompt has none.
//   - A micro-batch is either with attention or with the experts, never both.
//   - When Forward returns, no expert call of the step runs. A panic of attention
//     or of an expert call is an error of the step and joins the others first.
//   - A step in one piece allocates nothing once its matrices have grown
//     (go test -run xxx -bench LayerLoop ./internal/router/pipeline).
//
// Concurrency: Forward runs attention on the caller's goroutine and, of a split
// step, each expert call on one of its own, which it joins. Decision may be
// called from any goroutine.
//
// References: MegaScale-Infer, arXiv 2504.02263, section 4.1 (ping-pong
// pipeline parallelism).
package pipeline
