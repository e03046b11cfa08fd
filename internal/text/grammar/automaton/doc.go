// Package automaton recognizes text byte by byte with a network of finite
// automata that call one another, so that nested text is recognized too.
//
// A Set does not know which items a JSON list has. Where none may be there twice
// (Builder.List), a Text keeps them, and Machine.Read refuses a byte after which no other
// item can be written. Every state has a count of the texts that finish its rule, so
// that such a list has no dead end.
//
// What it owns: the Builder, which draws rules; the Program, which is their
// deterministic form; the Machine, which runs it and caches what it computes.
//
// A rule is a finite automaton over bytes whose transitions may also call a
// rule: the callee is recognized, then the caller continues. Build makes each
// rule deterministic and treats calls as letters of their own. Several calls, or
// a call and a byte, may still match the same text. The Machine follows all these
// readings at the same time, each with its own stack of callers.
//
// Invariants:
//   - A Set that is not dead can always be completed: Build removes transitions
//     that lead nowhere, and a Machine makes a call only if what must follow fits
//     into the nesting limit.
//   - Readings beyond the limit on their number are dropped, latest first. That
//     narrows what is accepted and never widens it.
//   - What a Machine answers depends only on the text, not on its caches.
//
// Concurrency: a Program is immutable. A Builder and a Machine belong to one
// goroutine at a time.
//
// References: Thompson, "Regular expression search algorithm" (1968), for the
// drawing; Rabin and Scott, "Finite automata and their decision problems"
// (1959), for the subset construction; Woods, "Transition network grammars for
// natural language analysis" (1970), for networks that call; Cox, "Regular
// expression matching in the wild" (2010), for transitions computed on demand in
// bounded memory; Dong et al., "XGrammar" (2024), for parallel stacks.
package automaton
