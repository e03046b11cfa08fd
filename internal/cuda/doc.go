// Package cuda is the part of the CUDA driver API that an expert backend needs. It
// links nothing: package libcuda opens libcuda.so.1 at run time, and a test may give
// another Library.
//
// What it owns: the primary context of each opened Device, and the handles of what
// was made on it.
//
// Invariants:
//   - What a caller makes, the caller closes, in the reverse order; Device.Close
//     comes last.
//   - The driver keeps no Go pointer. Pinned host memory (Host) is the driver's, and
//     device memory is an address (Pointer).
//   - A failed call is an *Error with the driver's code and, where there is one, the
//     way out. After a Sticky error the context is of no use: only the end of the
//     process frees it, and no further call is worth making.
//
// Concurrency: a current context belongs to an OS thread, and goroutines move between
// threads. So every call on a Device, and on what was made on it, runs inside
// Device.Do, which locks the goroutine to its thread, makes the context current, and
// takes it off again. A call outside of Do fails with InvalidContext; it never
// reaches the context of another caller. A Stream may be used by several goroutines,
// one at a time. Calls that wait (Stream.Synchronize, Buffer.Free) block their
// thread; the runtime starts another one meanwhile.
//
// Reference: CUDA Driver API, version 13.0.
package cuda
