package sidecar_test

import (
	"os"
	"testing"

	"github.com/hachi-serve/hachi/internal/backend"
	"github.com/hachi-serve/hachi/internal/backend/backendtest"
	"github.com/hachi-serve/hachi/internal/backend/sidecar"
	"github.com/hachi-serve/hachi/internal/backend/sidecar/sidecartest"
)

// helperEnv names the command of another helper to test, for make sidecar-check.
const helperEnv = "HACHI_TEST_SIDECAR"

// command is the helper under test.
func command(t *testing.T, flags ...string) string {
	t.Helper()
	own, err := sidecartest.Command(flags...)
	if err != nil {
		t.Fatal(err)
	}
	return own
}

// with is the backend with the helper of a command. Its family is asked for once.
func with(t *testing.T, command string) backend.Backend {
	t.Helper()
	device, err := sidecar.Backend().Open(backend.Options{Sidecar: command})
	if err != nil {
		t.Fatal(err)
	}
	family := sidecar.FamilyOf(device)
	if err := device.Close(); err != nil {
		t.Fatal(err)
	}
	return backend.Backend{Name: "sidecar", Open: func(o backend.Options) (backend.Device, error) {
		o.Sidecar, o.ExpertFamily = command, "sidecar1+"+family
		return sidecar.Backend().Open(o)
	}}
}

func TestBackend(t *testing.T) {
	helper := os.Getenv(helperEnv)
	if helper == "" {
		if testing.Short() {
			t.Skip("plain Go computes whole models slowly: skipped by -short")
		}
		helper = command(t)
	}
	backendtest.Run(t, with(t, helper))
}
