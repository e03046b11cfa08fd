// Package grammar keeps an answer within a language: any JSON object, a JSON
// Schema, a regular expression or a list of choices. For each position it gives
// the set of tokens that may follow, so that whatever is sampled, the answer
// can still become a text of the language.
//
// What it owns: the Compiler, which knows a vocabulary and remembers grammars;
// the Grammar, an automaton over the bytes of the answer with the masks worked
// out so far; the Matcher, the state of one answer.
//
// # Text and tokens
//
// The language is one of texts: of what the client reads. A token stands for
// bytes of it (Vocabulary.Bytes), and a character may be split between tokens.
// The first token of an answer may stand for other bytes than the same token
// later (Vocabulary.First): SentencePiece puts a blank before a text, and the
// reader of an answer drops it. So "▁{" may begin a JSON object, and so may
// "▁" alone, which then stands for nothing, once. Tokens that never stand for
// anything (control tokens, the unknown token) are never allowed, but for the
// end of the answer where the text is complete.
//
// # Use
//
//	compiler, err := grammar.NewCompiler(vocabulary, grammar.DefaultLimits())
//	g, err := compiler.Schema(source) // per request, before it is admitted
//	m := g.Matcher()                  // per answer; Clone for another that goes on from here
//	for !m.Done() {
//		m.Mask(mask)    // bit t%64 of mask[t/64] is set: token t may follow
//		token := sample(logits, mask)
//		m.Accept(token) // false: refused, nothing has changed
//	}
//
// A Matcher that has accepted the same tokens gives the same masks, so that an
// answer can be carried on elsewhere by accepting its tokens again.
//
// Invariants: as long as the answer has not ended, a mask has a token; Accept
// takes exactly the tokens of the mask; after Done nothing but the end is in
// it. Masks depend on the grammar, the vocabulary and the tokens accepted: not
// on time, on other answers or on what is remembered. Everything remembered is
// bounded by Limits.
//
// Concurrency: a Compiler and a Grammar are safe for use by many goroutines. A
// Matcher belongs to one at a time; Matchers of one Grammar may be used at the
// same time and share what one of them works out. Nothing here starts a
// goroutine or waits for anything but the work of another Matcher of the same
// Grammar, at most a mask's.
//
// References: Willard and Louf, "Efficient guided generation for large language
// models" (2023), for masks from automata; Dong et al., "XGrammar" (2024), for
// nesting by stacks; Moskal et al., llguidance, for walking a trie of tokens.
package grammar
