// Package version names the build of this program.
//
// What it owns: the two variables that the linker sets.
//
// Concurrency: they never change while the program runs.
package version
