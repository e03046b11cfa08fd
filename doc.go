// Package hachi runs a cluster inside a Go program: a coordinator, expert nodes
// and a router that serves OpenAI's API on loopback.
//
//	cfg := hachi.DefaultConfig()
//	cfg.Model = "models/mixtral"
//	cluster, err := hachi.Start(ctx, cfg)
//	if err != nil { ... }
//	defer cluster.Close()
//	answer, err := cluster.Client().Chat(ctx, client.ChatRequest{ ... })
//
// The roles are those that run as processes in production: the same scheduler,
// dispatcher, planner and placement protocol. Only what joins the roles differs:
// records are kept in memory instead of etcd, expert calls are function calls
// instead of gRPC, and there is no gossip. With Config.Binary the roles are child
// processes, joined as in production.
//
// What it owns: the goroutines, mappings and listeners of the roles, or their
// processes, until Close.
//
// Invariants:
//   - Rows are rounded where remote rows are rounded: an answer has the bits of
//     an answer of a cluster of processes.
//   - A killed node stops as a killed process stops: its calls fail, and its
//     record stays until its lease ends.
//   - When Close has returned, no goroutine or process of the cluster runs.
//
// Concurrency: a Cluster may be used from any goroutine.
package hachi
