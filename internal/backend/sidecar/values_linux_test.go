package sidecar_test

import (
	"math"
	"os"
	"os/exec"
	"testing"

	"github.com/hachi-serve/hachi/internal/backend"
	"github.com/hachi-serve/hachi/internal/backend/backendtest"
	"github.com/hachi-serve/hachi/internal/backend/cpu"
	"github.com/hachi-serve/hachi/internal/compute/tensor"
)

// TestValuesAreNearThoseOfTheCPU reports the distance of the two families. Each rounds
// its results to bf16, whose spacing is at most 2^-7 of a value.
func TestValuesAreNearThoseOfTheCPU(t *testing.T) {
	device, err := cpu.Backend().Open(backend.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer device.Close()
	const rows = 300
	decoded := func(r *rig) []float32 {
		y, err := r.run(t)
		if err != nil {
			t.Fatal(err)
		}
		out := make([]float32, len(y)/2)
		tensor.Decode(out, y, tensor.BF16)
		return out
	}
	want := decoded(newRig(t, device, rows))
	got := decoded(newRig(t, opened(t, backend.Options{Sidecar: anyHelper(t)}), rows))
	var sum, square, largest float64
	for i, v := range want {
		d := math.Abs(float64(got[i] - v))
		sum, square = sum+d*d, square+float64(v)*float64(v)
		largest = max(largest, d/max(math.Abs(float64(v)), 1e-3))
	}
	rms := math.Sqrt(sum / square)
	t.Logf("%d values: rms of the difference %.1e of the rms of the values, largest difference %.1e of a value", len(want), rms, largest)
	if rms > 1.0/1024 {
		t.Errorf("rms %.1e: want at most 2^-10", rms)
	}
}

// TestTheNumberOfCoresChangesNoBit: a helper on one core, and one on all.
func TestTheNumberOfCoresChangesNoBit(t *testing.T) {
	taskset, err := exec.LookPath("taskset")
	if err != nil {
		t.Skip("needs taskset (Debian: util-linux)")
	}
	if os.Getenv(helperEnv) == "" && testing.Short() {
		t.Skip("plain Go computes whole models slowly: skipped by -short")
	}
	backendtest.SameBits(t, with(t, anyHelper(t)), with(t, taskset+" -c 0 "+anyHelper(t)))
}
