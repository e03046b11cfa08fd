package kernel

// Limits are loops that measure what a machine can do, for comparison with what
// the kernels reach. A nil function is one that this implementation lacks.
type Limits struct {
	// Stream reads b and returns a checksum, so that no read is optimized away.
	// It leaves out up to 511 bytes at the end.
	Stream func(b []byte) uint64
	// FMA runs n rounds of independent fused multiply-adds on registers. FMAOps
	// is the number of additions and multiplications of a round.
	FMA    func(n int)
	FMAOps int
	// BF16 does the same with dot products of bf16 pairs.
	BF16    func(n int)
	BF16Ops int
	// VNNI does the same with dot products of bytes.
	VNNI    func(n int)
	VNNIOps int
	// Bytes does the same without VNNI: it multiplies bytes of 4 bits with bytes of
	// x. Bytes of 8 bits take two of these products each.
	Bytes    func(n int)
	BytesOps int
}

// Limits of this implementation's instructions.
func (k *Kernels) Limits() Limits { return k.limits }
