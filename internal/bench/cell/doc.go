// Package cell is the format of what bench scale measures: one JSON file for each cell of
// its table, and of what a simulation needs of bench failover. Package calibrate and sweeps of the simulator read it.
//
// What it owns: the fields of a file, its name, and its checks.
//
// Invariants: a file is written whole or not at all, and settings that differ have files of
// their own. An unknown field is an error; every error names the file and the field.
// Numbers of a cell are medians of its rounds.
//
// Concurrency: functions only.
//
// References: docs/scaling.md, "Calibration".
package cell
