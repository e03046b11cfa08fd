package kernel

// Limits are the loops that measure what a machine can do, for comparison with
// what the kernels reach. A nil function is one this implementation lacks.
type Limits struct {
	// Stream reads bytes and returns something made of them; up to 511 bytes
	// at the end are left out.
	Stream func(b []byte) uint64
	// FMA runs n rounds of fused multiply-adds on registers; FMAOps is the
	// number of additions and multiplications of a round.
	FMA    func(n int)
	FMAOps int
	// BF16 does so with dot products of bf16 pairs.
	BF16    func(n int)
	BF16Ops int
	// VNNI does so with dot products of bytes.
	VNNI    func(n int)
	VNNIOps int
}

// Limits of this implementation's instructions.
func (k *Kernels) Limits() Limits { return k.limits }
