// Package automaton recognises text byte by byte with a network of finite
// automata that call one another, so that nested text is recognised too.
//
// What it owns: the Builder, which draws rules; the Program, which is their
// deterministic form; the Machine, which runs it and remembers what it has
// worked out.
//
// A rule is a finite automaton over bytes whose transitions may also call a
// rule: the callee is recognised, then the caller goes on. Build makes each
// rule deterministic, with calls as letters of their own. Several calls, or a
// call and a byte, may still compete for the same text: the Machine follows all
// these readings at once, each with its own stack of callers.
//
// Invariants: a Set that is not dead can always be completed: transitions that
// lead nowhere are cut when the Program is built, and a call is made only when
// what must follow fits into the nesting limit. Readings beyond the limit on
// their number are forgotten, latest first: that narrows what is accepted and
// never widens it. What a Machine answers depends on the text alone, not on
// what it remembers or has forgotten.
//
// Concurrency: a Program is immutable. A Builder and a Machine belong to one
// goroutine at a time.
//
// References: Thompson, "Regular expression search algorithm" (1968), for the
// drawing; Rabin and Scott, "Finite automata and their decision problems"
// (1959), for the subset construction; Woods, "Transition network grammars for
// natural language analysis" (1970), for networks that call; Cox, "Regular
// expression matching in the wild" (2010), for transitions worked out on demand
// in bounded memory; Dong et al., "XGrammar" (2024), for parallel stacks.
package automaton
