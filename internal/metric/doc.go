// Package metric is the table of every metric that a process of a cluster exports.
//
// What it owns: names, kinds, units, labels and help texts, and which processes
// export each metric. Collectors take all of them from this table, and the package
// board makes the documentation, the dashboards and the rules from it.
//
// Invariants: a running cluster exports exactly these metrics, beside those of the
// Go runtime that the table does not list (TestAClusterExportsTheTable in
// internal/role). A name ends as Prometheus asks for: _total for counters, and the
// unit before it.
//
// Concurrency: the table never changes.
package metric
