// Package backend is the seam between hachi and what computes: a processor, an
// accelerator, another process.
//
// What it owns: the interfaces. Device opens Experts, which an expert node
// computes with, and Dense, which a router computes with. Package cpu is the
// fast backend of every machine, package reference the template of a new one,
// package backendtest what each must pass. See docs/extend/add-a-backend.md.
//
// Invariants:
//   - A row's result depends on that row and the weights: not on the other rows
//     of a call, not on how a batch was cut, not on the number of threads.
//   - Experts sees rows as bytes in the wire dtype and all experts of a call at
//     once, so that a device may copy the bytes as they are and launch once.
//   - A backend names its numerics family; a placement never mixes families.
//
// Concurrency: Experts may be used from any goroutine. A Dense belongs to one.
package backend
