// Package tracing exports spans of sampled requests to an OpenTelemetry collector.
//
// What it owns: the exporter of a process, and where a trace enters and leaves it: HTTP
// requests, gRPC calls between gateways and routers, and calls of experts. What lies
// between, an engine's steps and a dispatcher's calls, makes spans of whatever context
// it is given.
//
// Invariants: a nil *Tracer traces nothing and adds nothing to any server. Prompts and
// answers are in no span. A collector that is away delays no request: spans that find
// the queue full are dropped.
//
// Concurrency: a Tracer may be used from any goroutine.
//
// References: OTLP 1 over gRPC; W3C Trace Context; OpenTelemetry's semantic conventions
// for services.
package tracing
