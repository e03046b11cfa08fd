// Package grammar constrains an answer to a language: any JSON object, a JSON
// Schema, a regular expression, a list of choices, or the turn of an assistant that
// may reason and call functions (Turn). For each position it gives
// the set of tokens that may follow, so that the answer can always still become
// a text of the language.
//
// What it owns: the Compiler, which knows a vocabulary and caches grammars; the
// Grammar, an automaton over the bytes of the answer with the masks computed so
// far; the Matcher, the state of one answer.
//
// # Text and tokens
//
// The language is one of texts: of what the client reads. A token stands for
// bytes of it (Vocabulary.Bytes), and a character may be split between tokens.
// The first token of an answer may stand for other bytes than the same token
// later (Vocabulary.First): SentencePiece puts a blank before a text, and the
// reader of an answer drops it. So "▁{" may begin a JSON object, and so may the
// token "▁", which then stands for nothing, once. Tokens that never stand for
// text (control tokens, the unknown token) are never allowed, except the one that
// ends the answer, where the text is complete.
//
// # Use
//
//	compiler, err := grammar.NewCompiler(vocabulary, grammar.DefaultLimits())
//	g, err := compiler.Schema(source) // per request, before it is admitted
//	m := g.Matcher()                  // per answer; Clone for another from this state on
//	for !m.Done() {
//		m.Mask(mask)    // bit t%64 of mask[t/64] is set: token t may follow
//		token := sample(logits, mask)
//		m.Accept(token) // false: refused, nothing has changed
//	}
//
// Invariants:
//   - Until the answer has ended, a mask has at least one token. Accept takes
//     exactly the tokens of the mask. After Done only the end is in it.
//   - Masks depend on the grammar, the vocabulary and the tokens accepted, and on
//     nothing else. So another process can continue an answer by accepting its
//     tokens again.
//   - All caches are bounded by Limits.
//
// Concurrency: a Compiler and a Grammar are safe for use by many goroutines. A
// Matcher belongs to one goroutine at a time. Matchers of one Grammar may run at
// the same time and share its masks; one may wait while another computes a mask.
// The package starts no goroutine. A compilation is bounded by Limits.Steps in work, and
// by Limits.Memory in bytes; a Compiler runs one at a time.
//
// References: Willard and Louf, "Efficient guided generation for large language
// models" (2023), for masks from automata; Dong et al., "XGrammar" (2024), for
// nesting by stacks; Moskal et al., llguidance, for walking a trie of tokens.
package grammar
