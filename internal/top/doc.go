// Package top shows a cluster on a terminal, again and again: an overview, the experts,
// the nodes and the requests. It shows the state that a console shows.
//
// What it owns: what the terminal shows, and where its reader has scrolled. Pages are
// pure functions of the state and of a size.
//
// Invariants: no line is wider than the terminal, and no page higher. The last line names
// the keys. A glyph or a word says what a color would; text of the network has no control
// characters.
//
// Concurrency: Bubble Tea calls the model on one goroutine; a Source is called on others,
// one call at a time.
//
// References: Bubble Tea v2, charm.land/bubbletea.
package top
