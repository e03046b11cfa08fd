// Package serve measures a server of the OpenAI completions API under load: an
// open-loop generator sends requests at times that were drawn before, whatever
// the answers do, and reports latencies, throughput and goodput. RunSteps measures
// single kinds of steps instead, to be compared with package model.
//
// What it owns: the workload (arrivals and lengths from a seed), the streaming
// client, the report and its plots, and what routers count of experts. It measures any server that speaks the API.
//
// Invariants:
//   - Same seed, same workload: arrivals, lengths and prompt tokens.
//   - Open loop: a slow server does not slow the arrivals; a request that would
//     exceed the bound on requests in flight counts as an error, not as a wait.
//   - Latencies count from the moment a request was due, so that a late client
//     is not taken for a fast server.
//
// Concurrency: Run joins the goroutines it starts.
//
// References: Schroeder et al., "Open versus closed: a cautionary tale" (NSDI
// 2006); the metrics' names are vLLM's.
package serve
