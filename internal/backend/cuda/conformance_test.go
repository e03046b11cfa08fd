package cuda

import (
	"os"
	"testing"

	"github.com/hachi-serve/hachi/internal/backend"
	"github.com/hachi-serve/hachi/internal/backend/backendtest"
	"github.com/hachi-serve/hachi/internal/backend/cuda/fakecuda"
	driver "github.com/hachi-serve/hachi/internal/cuda"
	"github.com/hachi-serve/hachi/internal/cuda/libcuda"
)

// onGPU makes the tests of conformance use this machine's driver: `make gpu-check`.
const onGPU = "HACHI_TEST_GPU"

// openers open drivers: this machine's where onGPU is set, else fakes.
func openers(t *testing.T, faults string) func() (driver.Library, error) {
	t.Helper()
	if os.Getenv(onGPU) != "" {
		return libcuda.Open
	}
	lib := fakecuda.Open(t, fakecuda.Need(t), faults)
	return func() (driver.Library, error) { return lib, nil }
}

// withKernel is a backend whose devices use a kernel, and compute attention too.
func withKernel(b backend.Backend, kernel string) backend.Backend {
	return backend.Backend{Name: b.Name, Open: func(o backend.Options) (backend.Device, error) {
		o.Kernel, o.Attention = kernel, true
		return b.Open(o)
	}}
}

// TestBackend: quantized weights have one kernel on every GPU. That of bf16 on other
// GPUs than Hopper has the bits of wgmma.cu: TestBothKernelsHaveTheSameBits. On a GPU
// it passes the suite too.
func TestBackend(t *testing.T) {
	b, kernels := Backend(Config{Open: openers(t, "")}), []string{wgmmaKernel}
	if os.Getenv(onGPU) != "" {
		kernels = append(kernels, portableKernel)
	}
	for _, kernel := range kernels {
		t.Run(kernel, func(t *testing.T) { backendtest.RunBF16(t, withKernel(b, kernel)) })
	}
}

func TestBothKernelsHaveTheSameBits(t *testing.T) {
	b := Backend(Config{Open: openers(t, "")})
	backendtest.SameBitsBF16(t, withKernel(b, wgmmaKernel), withKernel(b, portableKernel))
}
