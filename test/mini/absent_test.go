//go:build nomini

package mini

import "testing"

func TestTheModelIsAbsent(t *testing.T) {
	t.Skip("hachi-mini is left out by the build tag nomini: nothing answers")
}
