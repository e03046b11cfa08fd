// Package report prints what a benchmark measured, as a table or as JSON.
//
// What it owns: the alignment of tables and the form of JSON.
//
// Invariants: the JSON of a report is its exported fields, indented by two
// spaces. A report is written whole or not at all.
//
// Concurrency: functions only.
package report
