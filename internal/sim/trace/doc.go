// Package trace reads traces of requests, and makes them: when each came, how many
// tokens its prompt and its answer have, and which parts of prompts are alike.
//
// What it owns: the readers of two public formats, and a generator whose statistics are
// fitted to these traces.
//
//	format    a line                                       source
//	azure     2023-11-16 18:15:46.6805900,374,44           Azure LLM inference trace 2023, CSV
//	mooncake  {"timestamp": 0, "input_length": 6758, ...}  Mooncake's traces of FAST 2025, JSON lines
//
// Invariants: requests are in order of time. A line that is not understood is an error
// with its number and its field; no line is skipped. The same seed makes the same
// requests.
//
// Concurrency: functions only.
//
// References: Patel et al., "Splitwise" (ISCA 2024), arXiv 2311.18677, for the traces of
// Azure, CC BY 4.0, https://github.com/Azure/AzurePublicDataset. Qin et al., "Mooncake" (FAST
// 2025), arXiv 2407.00079, for those of Mooncake, Apache 2.0,
// https://github.com/kvcache-ai/Mooncake. Marsaglia and Tsang, "A Simple Method for
// Generating Gamma Variables" (2000).
package trace
