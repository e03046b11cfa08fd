package kernel

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

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

// Numerics lists how a configuration names the families, the default first.
func Numerics() []string { return []string{"pairs", "amx-bf16"} }

// In is k in the family of that name; "" is the default. Every implementation
// computes in every family.
func (k *Kernels) In(numerics string) (*Kernels, error) {
	names := Numerics()
	i := slices.Index(names, cmp.Or(numerics, names[0]))
	if i < 0 {
		return nil, fmt.Errorf("numerics %q, expected one of %s", numerics, strings.Join(names, ", "))
	}
	in := *k
	in.inRuns = i == 1
	return &in, nil
}
