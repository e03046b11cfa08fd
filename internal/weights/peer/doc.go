// Package peer moves weights between expert nodes: a node that joins fetches the experts
// that it shall hold from nodes that hold them.
//
// What it owns: the weights service of a node and its ration, the choice of the nodes to
// ask, and the names of nodes that sent wrong bytes.
//
// Invariants:
//   - Every node of a model gives the same files (checkpoint.Shelf), so that what one node
//     began to send another continues.
//   - Expert calls come first: before each piece a transfer waits while the node has calls,
//     for at most maxYield, and all transfers of a node together stay within its ration.
//   - Bytes of experts are used only if their hashes are those of the manifest. A node that
//     sent others is named in a log line and not asked again until it has restarted.
//   - The manifest is that of the home of the model, or one on which all nodes that were
//     asked agree.
//   - A transfer holds no memory of the weights: a piece is copied while its expert is
//     certainly resident.
//
// Concurrency: a Server and Files may be used by many goroutines. Each stream of the
// server has gRPC's goroutine; Files has none but those of its connections, which Close
// ends.
//
// References: proto/hachi/v1/weights.proto; package source, which reads, continues and
// keeps what Files bring.
package peer
