package kernel

import "fmt"

// The families that this package defines. A family names the order of operations.
// It enters the fingerprint of every backend that computes with these loops, on
// whatever instruction set: all of them have the same bits in one family.
const (
	// Family adds products of bf16 weights by DotPairs.
	Family = "cpu-l16-fma-pairs"
	// FamilyAMX adds them by DotRuns, as tiles of bf16 do. All else is as in Family.
	FamilyAMX = "cpu-l16-fma-amx-bf16"
)

// Family is the family in which k computes.
func (k *Kernels) Family() string {
	if k.inRuns {
		return FamilyAMX
	}
	return Family
}

// In is k in the family that a configuration calls numerics: "pairs" or
// "amx-bf16", "" is "pairs". Every implementation computes in both.
func (k *Kernels) In(numerics string) (*Kernels, error) {
	in := *k
	switch numerics {
	case "", "pairs":
		in.inRuns = false
	case "amx-bf16":
		in.inRuns = true
	default:
		return nil, fmt.Errorf("numerics %q, expected pairs or amx-bf16", numerics)
	}
	return &in, nil
}
