package reference

import (
	"testing"

	"github.com/hachi-serve/hachi/internal/backend/backendtest"
	"github.com/hachi-serve/hachi/internal/backend/cpu"
)

func TestBackend(t *testing.T) {
	if testing.Short() {
		t.Skip("plain Go computes whole models slowly: skipped by -short")
	}
	backendtest.Run(t, Backend())
}

func TestTheBitsAreThoseOfTheCPU(t *testing.T) { backendtest.SameBits(t, cpu.Backend(), Backend()) }
