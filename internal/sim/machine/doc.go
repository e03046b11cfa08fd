// Package machine says how long machines take: to compute attention and experts of a
// model, and to carry messages.
//
// What it owns: nothing; every function is pure.
//
// Computing is a roofline with measured corrections. A kernel that reads B bytes and makes
// P operations takes
//
//	launch + max(b, max(l, p) + serial * min(l, p))
//	b = B / (bandwidth * memory), l = B / (threads * coreBandwidth * core), p = P / (rate(format) * arithmetic)
//
// where memory, core and arithmetic are the shares of the machine's limits that kernels
// reach, and serial is the share of the shorter of loading and computing in a core that the
// longer does not hide: 0 is a roofline. A memory that is slower than what the cores ask
// for hides both: they compute while they wait for it. A router adds the time of a step and that of each token that it draws: what
// is neither a kernel nor a call, from the choice of the token to its way to the client.
// Processes on one machine share its cores and its bandwidth (package sim).
//
// The experts of a batch are one kernel after another, so that its time grows with the
// number of distinct experts while weights decide, and with rows when arithmetic does. A
// machine with several units (the chips of an accelerator) computes expert e on unit
// e mod units, and the batch takes as long as its busiest unit. Attention runs on one.
//
// A message takes, one way,
//
//	message (CPU of the sender) + bytes/bandwidth (its NIC) + latency
//	+ bytes/bandwidth (the receiver's NIC) + message (its CPU)
//
// Latency is log-normal, with a given median and 99th percentile. NICs and CPUs serve one
// message after another: package sim queues them. On a host that processes share a message
// takes work of its cores, and of the quota of its process: threads that wake each other,
// and the kernel in their name.
//
// Invariants: no time is negative. More bytes, rows or distinct experts never take less.
//
// Concurrency: safe; Draw uses the caller's source of random numbers.
//
// References: Williams et al., "Roofline", CACM 52(4), 2009. MegaScale-Infer, arXiv
// 2504.02263, section 4, for the time of an expert node; Janus, arXiv 2512.13525, for the
// part of distinct experts.
package machine
