// Package sidecar computes experts in another process, the helper: whatever a
// Trainium chip, an XLA compiler or a driver brings along stays out of the node, and
// its crash is no crash of the node. docs/sidecar.md describes helpers and the
// protocol; sidecar/expert_jax.py is one for everything that JAX runs on. A node has one helper, or one
// for each device: its experts are divided among them.
//
// What it owns: the process of the helper, the socket, the memory of rows. Weights
// stay borrowed until Unload: a helper that is started again gets them again. The
// attention of a router is that of package cpu.
//
// Invariants:
//   - A helper computes each tile of rows by one program of one shape, and checks at
//     its start that a row has the same bits in every place of a tile. So a row's bits
//     do not depend on its call.
//   - The family that a device names holds that of its helper. A helper of another
//     family computes nothing.
//   - The helper can neither shorten nor enlarge the memory that it shares: a fault of
//     the helper is no fault of a page in the node.
//   - While the helper is away, calls fail as moe.Unreachable, and routers use another
//     replica. A helper that cannot be brought back ends the node: Failed.
//   - No process outlives the node: the kernel kills the helper when the node dies, and
//     a helper ends at the end of its socket.
//
// Concurrency: Experts may be used from any goroutine. Loads, unloads and the loads of
// a new helper take turns; calls share the slots of the memory of rows.
package sidecar
