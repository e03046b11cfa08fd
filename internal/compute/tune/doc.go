// Package tune chooses the variants of kernels that are the fastest on this
// machine, by measuring them.
//
// What it owns: the rule of the choice, the products that it measures, and the
// files that keep choices.
//
// Invariants: a choice changes no bit of a result, so a wrong one costs speed and
// nothing else. A default stays unless another variant is faster by more than the
// noise of a short measurement. A file is used only by the machine and the build
// that wrote it; one that cannot be read or written is measured again at every
// start.
//
// Concurrency: Measure keeps all its threads busy until it ends, between trials too;
// a Store lets one process of those that share its directory measure at a time.
//
// References: Whaley, Petitet and Dongarra, "Automated empirical optimization of
// software and the ATLAS project" (2001), for choosing block sizes by measuring.
package tune
