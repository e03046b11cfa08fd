package model

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/moe"
)

// Numerics are the rounding points a deployment may choose.
type Numerics struct {
	Wire tensor.DType // rows between gate, experts and combine
	KV   tensor.KVFormat
	// FFNActivation is the type to which SiLU(x w1) * (x w3) is rounded before w2.
	FFNActivation tensor.DType
	// DenseActivation is the type to which a row is rounded before the matrices of
	// attention (Q, K, V and O) and the head.
	DenseActivation tensor.DType
}

// Overrides name other types than the checkpoint's; "" keeps that. Everything
// that computes for one cluster must agree.
type Overrides struct {
	KV              string // f32, bf16 or int8
	FFNActivation   string // f32 or bf16
	DenseActivation string // f32 or bf16
}

// With is n with other types.
func (n Numerics) With(o Overrides) (Numerics, error) {
	err := errors.Join(
		override(&n.KV, "KV cache", o.KV, tensor.KVF32, tensor.KVBF16, tensor.KVInt8),
		override(&n.FFNActivation, "FFN activation", o.FFNActivation, tensor.F32, tensor.BF16),
		override(&n.DenseActivation, "dense activation", o.DenseActivation, tensor.F32, tensor.BF16))
	return n, err
}

func override[T fmt.Stringer](to *T, what, name string, known ...T) error {
	if name == "" {
		return nil
	}
	for _, d := range known {
		if d.String() == name {
			*to = d
			return nil
		}
	}
	return fmt.Errorf("%s of %q, expected one of %v", what, name, known)
}

// DefaultNumerics follows the checkpoint: f32 and f16 weights use f32, bf16 and
// quantized weights use bf16. What lies between w1, w3 and w2, and what attention and
// the head multiply, stays f32.
func DefaultNumerics(weights tensor.DType) Numerics {
	n := Numerics{Wire: tensor.F32, KV: tensor.KVF32, FFNActivation: tensor.F32, DenseActivation: tensor.F32}
	if weights == tensor.BF16 || weights.Quantized() {
		n.Wire, n.KV = tensor.BF16, tensor.KVBF16
	}
	return n
}

// NumericsVersion changes whenever a kernel's order of operations changes.
const NumericsVersion = 2

// Fingerprint names everything that decides the bits of an answer: digest is
// the checkpoint's content digest, family the kernels' reduction order and
// instruction semantics ("cpu-l16-fma-pairs").
func Fingerprint(digest string, weights tensor.DType, n Numerics, family string) moe.Fingerprint {
	text := fmt.Appendf(nil, "hachi/v%d\n%s\nweights=%v wire=%v kv=%v inner=%v family=%s\n",
		NumericsVersion, digest, weights, n.Wire, n.KV, n.FFNActivation, family)
	if n.DenseActivation != tensor.F32 { // f32 keeps the fingerprint from before there was a choice
		text = fmt.Appendf(text, "dense=%v\n", n.DenseActivation)
	}
	h := sha256.Sum256(text)
	return moe.Fingerprint(hex.EncodeToString(h[:16]))
}
