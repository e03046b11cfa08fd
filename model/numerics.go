package model

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/hachi-serve/hachi/compute/tensor"
	"github.com/hachi-serve/hachi/moe"
)

// Numerics are the rounding points a deployment may choose.
type Numerics struct {
	Wire tensor.DType // rows between gate, experts and combine
	// KV is the type of keys and values in the cache. Int8 has one scale per
	// position and key head.
	KV tensor.DType
}

// WithKV is n with another type of the cache: f32, bf16 or int8; "" keeps it.
func (n Numerics) WithKV(name string) (Numerics, error) {
	if name == "" {
		return n, nil
	}
	for _, d := range []tensor.DType{tensor.F32, tensor.BF16, tensor.Int8} {
		if d.String() == name {
			n.KV = d
			return n, nil
		}
	}
	return n, fmt.Errorf("KV cache of %q, expected f32, bf16 or int8", name)
}

// DefaultNumerics follows the checkpoint: f32 and f16 weights use f32, bf16 and
// quantised weights use bf16.
func DefaultNumerics(weights tensor.DType) Numerics {
	if weights == tensor.BF16 || weights.Quantised() {
		return Numerics{Wire: tensor.BF16, KV: tensor.BF16}
	}
	return Numerics{Wire: tensor.F32, KV: tensor.F32}
}

// NumericsVersion changes whenever a kernel's order of operations changes.
const NumericsVersion = 2

// Fingerprint names everything that decides the bits of an answer: digest is
// the checkpoint's content digest, family the kernels' reduction order and
// instruction semantics ("cpu-l16-fma").
func Fingerprint(digest string, weights tensor.DType, n Numerics, family string) moe.Fingerprint {
	h := sha256.Sum256(fmt.Appendf(nil, "hachi/v%d\n%s\nweights=%v wire=%v kv=%v family=%s\n",
		NumericsVersion, digest, weights, n.Wire, n.KV, family))
	return moe.Fingerprint(hex.EncodeToString(h[:16]))
}
