package reference

import (
	"testing"

	"github.com/hachi-serve/hachi/internal/backend/backendtest"
	"github.com/hachi-serve/hachi/internal/backend/cpu"
)

func TestBackend(t *testing.T) { backendtest.Run(t, Backend()) }

func TestTheBitsAreThoseOfTheCPU(t *testing.T) { backendtest.SameBits(t, cpu.Backend(), Backend()) }
