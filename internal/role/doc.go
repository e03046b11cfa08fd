// Package role runs what one process of a cluster is in production: a
// coordinator, an expert node, a router or a gateway. It is the composition root: here the
// pieces of a role are joined, from the configuration to the listeners.
//
// What it owns: the configuration of each role, its schema as a YAML file and its
// validation, the run of each role (RunCoordinator, RunExpertNode, RunRouter, RunGateway), the
// connection of a process to its cluster (etcd and gossip).
//
// Invariants: a configuration is validated whole before anything is opened. A
// fault of the configuration or of the checkpoint is a *ConfigError, because a
// restart would find the same fault. Every listener, mapping and client that a
// role opens is closed when the role returns.
//
// Concurrency: the Run functions block until their context ends. Two roles may
// run in one process.
package role
