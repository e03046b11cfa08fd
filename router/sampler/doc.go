// Package sampler turns logits into a token.
//
// What it owns: nothing; every function is pure.
//
// Invariants: the choice depends on the logits, the parameters, the seed, the
// choice number and the position alone, never on what else runs. Ties go to
// the lowest id. Log probabilities are of the model's own distribution: before
// temperature and filters.
//
// Concurrency: safe.
//
// References: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3"
// (2011), for counter-based generators; Steele et al., "Fast splittable
// pseudorandom number generators" (2014), for the mixing function.
package sampler
