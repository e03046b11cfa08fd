// Package observe measures what it costs to guard and to watch a cluster: decode
// throughput with certificates, keys, metrics, traces and an open console, beside that of
// a cluster without any of them.
//
// What it owns: the two clusters that it starts, the watchers of the first, the order of
// the turns, and the report. It watches during the turns of the watched cluster only, so
// that the other one pays for nothing of it. Both clusters serve the same model on the
// same cores, and the one whose turn it is not is idle.
//
// Each turn is the same number of answers, and begins with the other cluster in every
// second round. The ratio is the median of the ratios within a round.
//
// Invariants: a request that fails, a page that cannot be read and a console that ends are
// errors of the whole measurement.
//
// Concurrency: Run joins the goroutines it starts.
package observe
