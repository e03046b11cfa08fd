package model

import (
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/moe"
)

// TestTheCacheIsPartOfTheFingerprint: every type of it has a name of its own,
// and the checkpoint's own type is no override.
func TestTheCacheIsPartOfTheFingerprint(t *testing.T) {
	seen := map[moe.Fingerprint]string{}
	for _, name := range []string{"", "f32", "int8"} {
		n, err := DefaultNumerics(tensor.BF16).With(Overrides{KV: name})
		if err != nil {
			t.Fatal(err)
		}
		f := Fingerprint("d", tensor.BF16, n, "family")
		if other, ok := seen[f]; ok {
			t.Errorf("a cache of %q has the fingerprint of %q", name, other)
		}
		seen[f] = name
	}
	n, err := DefaultNumerics(tensor.BF16).With(Overrides{KV: "bf16", FFNActivation: "f32"})
	if err != nil || n != DefaultNumerics(tensor.BF16) {
		t.Errorf("bf16 for a checkpoint of bf16 is %+v, %v", n, err)
	}
	n, err = DefaultNumerics(tensor.BF16).With(Overrides{FFNActivation: "bf16"})
	if _, ok := seen[Fingerprint("d", tensor.BF16, n, "family")]; ok || err != nil || n.FFNActivation != tensor.BF16 {
		t.Errorf("an inner product of bf16 is %+v, %v, with a known fingerprint: %v", n, err, ok)
	}
	seen[Fingerprint("d", tensor.BF16, n, "family")] = "an FFN activation of bf16"
	n, err = DefaultNumerics(tensor.BF16).With(Overrides{DenseActivation: "bf16"})
	if _, ok := seen[Fingerprint("d", tensor.BF16, n, "family")]; ok || err != nil || n.DenseActivation != tensor.BF16 {
		t.Errorf("a dense activation of bf16 is %+v, %v, with a known fingerprint: %v", n, err, ok)
	}
	if _, err := DefaultNumerics(tensor.BF16).With(Overrides{KV: "int4", FFNActivation: "int8"}); err == nil || !strings.Contains(err.Error(), "int4") || !strings.Contains(err.Error(), "int8") {
		t.Errorf("both faults must be reported at once: %v", err)
	}
	for _, name := range []string{"int4", "f16", "f64", "Int8"} {
		if n, err := DefaultNumerics(tensor.BF16).With(Overrides{KV: name}); err == nil {
			t.Errorf("a cache of %q was accepted: %+v", name, n)
		}
	}
}
