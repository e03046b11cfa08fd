// Package eplb is the published Expert Parallelism Load Balancer (EPLB) of
// DeepSeek: it replicates the experts with the highest loads and packs the
// copies on GPUs of equal size.
//
// What it owns: nothing; Rebalance is a pure function.
//
// Terms, as published: a logical expert is an expert of the model. A physical
// expert is a slot that holds a copy of one. An expert group is a set of
// consecutive experts that the hierarchical policy keeps on one node. A node
// holds several GPUs.
//
// Invariants: every GPU has the same number of slots. Every expert has a slot.
// The same loads give the same layout: sorts are stable, and of equals the
// lowest index wins. Sums and quotients are float32, as published.
//
// What EPLB does not do: it counts all GPUs as equally fast and large, may put two
// copies of an expert on one GPU, and has no cost of moving an expert.
//
// Concurrency: safe.
//
// References: https://github.com/deepseek-ai/EPLB; DeepSeek-V3 Technical Report,
// arXiv 2412.19437, section 3.4.
package eplb
