package logprobs

import (
	"math"
	"testing"
)

// TestImpossibleTokensCanBeSaid: JSON has no minus infinity.
func TestImpossibleTokensCanBeSaid(t *testing.T) {
	inf := float32(math.Inf(-1))
	for _, v := range []float32{inf, inf - inf} {
		if Finite(v) != unlikely {
			t.Errorf("%v became %v", v, Finite(v))
		}
	}
	if Finite(-3) != -3 {
		t.Errorf("-3 became %v", Finite(-3))
	}
}
