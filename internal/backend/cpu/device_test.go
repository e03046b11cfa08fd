package cpu

import (
	"testing"

	"github.com/hachi-serve/hachi/internal/backend"
	"github.com/hachi-serve/hachi/internal/backend/backendtest"
	"github.com/hachi-serve/hachi/internal/compute/kernel"
)

func TestBackend(t *testing.T) { backendtest.Run(t, Backend()) }

// TestTheOrderOfTilesIsAFamily: every kernel computes in it, with the same bits.
func TestTheOrderOfTilesIsAFamily(t *testing.T) {
	in := func(name string) backend.Backend {
		return backend.Backend{Name: name, Open: func(o backend.Options) (backend.Device, error) {
			o.Kernel, o.Numerics = name, "amx-bf16"
			return Backend().Open(o)
		}}
	}
	all := kernel.Available()
	d, err := in(all[0].Name()).Open(backend.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	if got := d.Info().Family; got != kernel.FamilyAMX {
		t.Errorf("the family is %s, want %s", got, kernel.FamilyAMX)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	for _, k := range all[1:] {
		t.Run(k.Name(), func(t *testing.T) { backendtest.SameBits(t, in(all[0].Name()), in(k.Name())) })
	}
	if _, err := Backend().Open(backend.Options{Numerics: "amx"}); err == nil {
		t.Error("an unknown family was opened")
	}
}

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
