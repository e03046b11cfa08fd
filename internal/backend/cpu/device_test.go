package cpu

import (
	"testing"

	"github.com/hachi-serve/hachi/internal/backend"
	"github.com/hachi-serve/hachi/internal/backend/backendtest"
	"github.com/hachi-serve/hachi/internal/compute/kernel"
)

func TestBackend(t *testing.T) { backendtest.Run(t, Backend()) }

// TestEveryKernelIsOneFamily: all kernels of this machine have the bits of the
// fastest.
func TestEveryKernelIsOneFamily(t *testing.T) {
	for _, k := range kernel.Available()[1:] {
		t.Run(k.Name(), func(t *testing.T) {
			backendtest.SameBits(t, Backend(), backend.Backend{Name: k.Name(), Open: func(o backend.Options) (backend.Device, error) {
				o.Kernel = k.Name()
				return Backend().Open(o)
			}})
		})
	}
}
