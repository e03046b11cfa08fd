// Package scheduler decides which sequences advance in the next step, and by
// how much.
//
// What it owns: the waiting and running queues, the block tables of running
// sequences, the measure of step times, and the bounds of the queue.
//
// Invariants: 0 <= Computed <= len(Tokens). There is no prefill mode: a
// sequence's next span is how far Tokens is ahead of Computed, cut to what the
// step can hold. The answer never depends on the cut.
//
//   - Sequences with one token to go (decode) come first, all of them, so a long
//     prompt never starves them. A draft to verify rides along while there is
//     room, and is dropped before a sequence is preempted for it.
//   - What prefill rows a step adds to its decodes is chosen from measured step
//     times, so that the step takes at most MaxStepSlowdown times what only its
//     decodes take (pace). The oldest prompt gets at least half of these rows, the rest
//     goes to the one with the least to do: a long prompt neither waits
//     without end nor lets short ones wait for its end.
//   - While more prompts wait than sequences decode, these yield to the many: the
//     part of a step that is above its decodes grows in proportion. Only prompts count
//     that one step could end together, so that no long prompt stops a stream.
//   - Answers that another router began come before others, in the queue and in a step,
//     and may slow a step down more (pace): their clients stand still meanwhile.
//   - Waiting sequences start by priority, then in order of arrival, when all
//     their known tokens have blocks and every running sequence can still take
//     one more; the first that does not fit lets no other pass. One whose prefix
//     another is just computing lets others pass and reads the prefix afterwards:
//     the choices of one prompt share its prefill.
//   - Without a free block the least urgent running sequence, the youngest among
//     equals, is preempted: its blocks are freed, Computed returns to 0, it takes
//     its old place in the queue; its tokens are kept, so the recomputed bits are
//     the same, and mostly its blocks are still cached.
//   - Remove frees everything at once.
//
// Concurrency: none. The engine's goroutine owns it. No clock, no lock. The
// owner of an Admission guards it: the engine, by its mutex.
//
// References: vLLM's words; Agrawal et al., arXiv 2403.02310, for prefill
// chunks beside decodes.
package scheduler
