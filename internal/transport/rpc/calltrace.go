package rpc

import "github.com/hachi-serve/hachi/moe"

// traceSize is the size of a trace: the number of the trace and that of the span.
const traceSize = len(moe.TraceContext{}.TraceID) + len(moe.TraceContext{}.SpanID)

// traceBytes is what a trace takes in the body of a call.
func traceBytes(t moe.TraceContext) int {
	if t.IsZero() {
		return 0
	}
	return bytesSize(traceSize)
}

func appendTrace(b []byte, t moe.TraceContext) []byte {
	if t.IsZero() {
		return b
	}
	return append(append(appendLength(b, callTrace, traceSize), t.TraceID[:]...), t.SpanID[:]...)
}

// readTrace reads the span of a call. One of another size is none: nothing but a trace
// depends on it.
func readTrace(b []byte) (t moe.TraceContext) {
	if len(b) == traceSize {
		copy(t.TraceID[:], b)
		copy(t.SpanID[:], b[len(t.TraceID):])
	}
	return t
}
