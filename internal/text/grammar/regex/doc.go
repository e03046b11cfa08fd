// Package regex compiles regular expressions, lists of words and lengths to
// automata over characters, and combines them.
//
// What it owns: the DFA, and the way from a regular expression to one.
//
// Invariants: a DFA is deterministic, its edges are disjoint and ascending, and
// from every state an accepting one is reached; the empty language is one state
// that does not accept. The alphabet is the Unicode scalar values or a part of
// them: never surrogates.
//
// Regular expressions are RE2's, read by regexp/syntax; word boundaries and
// line anchors, which look at two characters at once, are refused.
//
// Concurrency: a DFA is immutable.
//
// References: Cox, "Regular expression matching: the virtual machine approach"
// (2009), for the program that regexp/syntax compiles; Rabin and Scott, "Finite
// automata and their decision problems" (1959), for subsets and products.
package regex
