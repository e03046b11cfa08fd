// Package gpucheck is the check of the backend cuda on a machine with a GPU, as a
// script; here is the test of the script.
//
// What it owns: check.sh and cublas.py, which `make gpu-check` puts beside the
// programs that they run.
//
// Invariants: the script needs neither Go nor CUDA, and leaves the device as it was.
//
// Concurrency: one script at a time uses a directory of results.
package gpucheck
