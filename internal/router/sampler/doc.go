// Package sampler turns logits into a token.
//
// What it owns: the tokens that one answer has drawn so far, for penalties and
// the minimum length, and scratch memory.
//
// The order of operations is that of vLLM's V1 sampler; typical_p, which it
// does not have, comes last, as in Hugging Face transformers:
//
//  1. tokens that a grammar does not allow are removed
//  2. before min_tokens, so are the tokens that would end the answer, unless
//     the grammar allows nothing else
//  3. logit_bias
//  4. repetition_penalty over prompt and answer: logits above 0 are divided,
//     the others multiplied; frequency_penalty, then presence_penalty over the
//     answer: subtracted
//  5. with temperature 0, the highest logit; else the logits are divided by it
//  6. min_p, relative to the most likely token
//  7. top_k
//  8. top_p of what is left: the smallest set of the most likely tokens whose
//     share is at least top_p
//  9. typical_p of what is left: the same, of the most typical tokens
//  10. a draw from what is left
//
// Invariants:
//   - A draw depends on the logits, the parameters, the tokens before it, the
//     seed, the choice number and the position, and on nothing else.
//   - Ties go to the lowest id everywhere.
//   - Log probabilities are of the model's own distribution, before all of the
//     above.
//   - Equal logits give equal tokens on every architecture: exp and log are our
//     own, and no product is fused with a sum.
//   - To remove every token is an error, and so is a NaN.
//
// A call sorts nothing and, after the first, allocates nothing: a filter finds
// its threshold digit by digit.
//
// Concurrency: a Sampler and a Workspace belong to one goroutine; the functions
// are pure.
//
// References: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3"
// (2011), for counter-based generators; Steele et al., "Fast splittable
// pseudorandom number generators" (2014), for the mixing function; Holtzman et
// al., arXiv 1904.09751, for top_p; Meister et al., arXiv 2202.00666, for
// typical_p; Nguyen et al., arXiv 2407.01082, for min_p; Keskar et al., arXiv
// 1909.05858, for repetition_penalty.
package sampler
