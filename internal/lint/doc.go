// Package lint holds the rules of the tree as tests: which package may import
// which, and what no package may do.
package lint
