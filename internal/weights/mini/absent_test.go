//go:build nomini

package mini

import (
	"errors"
	"testing"
)

func TestWithoutTheModelEveryCallSaysSo(t *testing.T) {
	_, installed := Install(t.TempDir())
	_, dir := Dir(t.TempDir())
	for _, err := range []error{installed, dir, Write(t.TempDir())} {
		if !errors.Is(err, ErrAbsent) {
			t.Errorf("error %v, want ErrAbsent", err)
		}
	}
}
