// Package preset makes seeded random Mixtral checkpoints in the Hugging Face
// layout: something to serve, test and measure with nothing downloaded.
//
// What it owns: the list of presets, the generator of their weights, and the
// writer of the directory. The answers of such a model are noise, but its
// shapes, its bytes and the work it makes are those of a real one.
//
// Invariants: a weight depends on seed, tensor name and position only, never
// on order, shards, threads or machine. Weights are scaled so that hidden
// states stay near 1, the gate spreads over all experts and logits have a
// deviation of about 3. Outliers, where asked for, make it as hard to quantize
// as a trained model. A directory appears complete or not at all.
//
// Concurrency: Write uses all cores and returns when they are done.
package preset
