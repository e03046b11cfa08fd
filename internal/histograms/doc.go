// Package histograms measures requests as clients see them.
//
// What it owns: the histograms of first tokens, of gaps between tokens and of whole
// requests, with the same names wherever an API is served.
//
// Concurrency: safe.
package histograms
