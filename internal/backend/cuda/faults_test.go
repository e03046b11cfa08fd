package cuda

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hachi-serve/hachi/internal/backend"
	"github.com/hachi-serve/hachi/internal/backend/cuda/fakecuda"
	"github.com/hachi-serve/hachi/internal/compute/tensor"
	driver "github.com/hachi-serve/hachi/internal/cuda"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/moe"
)

var (
	smallConfig = model.Config{Layers: 1, Hidden: 128, FFN: 128, Experts: 8, TopK: 2, DType: tensor.BF16}
	rounded     = model.Numerics{Wire: tensor.BF16, KV: tensor.KVBF16, FFNActivation: tensor.BF16, DenseActivation: tensor.F32}
)

// openFake opens a device of a fake driver with faults.
func openFake(t *testing.T, built, faults string) (backend.Device, error) {
	t.Helper()
	lib := fakecuda.Open(t, built, faults)
	return Backend(Config{Open: func() (driver.Library, error) { return lib, nil }, Patience: 50 * time.Millisecond}).Open(backend.Options{Threads: 2})
}

// openLoaded opens experts and loads the first.
func openLoaded(t *testing.T, built, faults string) (backend.Device, backend.Experts, model.ExpertWeights) {
	t.Helper()
	d, err := openFake(t, built, faults)
	if err != nil {
		t.Fatal(err)
	}
	e, err := d.OpenExperts(smallConfig, rounded)
	if err != nil {
		t.Fatal(err)
	}
	m := randomWeight(t, tensor.BF16, 128, 128)
	w := model.ExpertWeights{W1: m, W2: m, W3: m}
	if err := e.Load(t.Context(), moe.ExpertID{}, w); err != nil {
		t.Fatal(err)
	}
	return d, e, w
}

func runOne(t *testing.T, e backend.Experts) error {
	t.Helper()
	row := make([]byte, 256)
	return e.Run(t.Context(), 0, []moe.Group{{Expert: 0, Index: []int32{0}}}, row, make([]byte, 256))
}

func TestADriverThatIsOfNoUseIsRefusedInWords(t *testing.T) {
	built := fakecuda.Need(t)
	for faults, want := range map[string]string{
		"no-device":  "no GPU is visible",
		"old-driver": "the driver supports CUDA 12.4, expected 13.0 or later: update the NVIDIA driver",
	} {
		if _, err := openFake(t, built, faults); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", faults, err, want)
		}
	}
	none := Backend(Config{Open: func() (driver.Library, error) { return nil, driver.ErrNoDriver }})
	if _, err := none.Open(backend.Options{}); !errors.Is(err, driver.ErrNoDriver) {
		t.Errorf("without a library: %v", err)
	}
	lib := fakecuda.Open(t, built, "")
	b := Backend(Config{Open: func() (driver.Library, error) { return lib, nil }})
	if _, err := b.Open(backend.Options{Device: 7}); err == nil || !strings.Contains(err.Error(), "nvidia-smi -L") {
		t.Errorf("device 7: %v, want how to list devices", err)
	}
	if _, err := b.Open(backend.Options{Kernel: "cublas"}); err == nil || !strings.Contains(err.Error(), "expected mma, or wgmma on 9.0") {
		t.Errorf("an unknown kernel: %v", err)
	}
}

// TestAnOlderGPUHasItsOwnFamily, and no kernel of Hopper.
func TestAnOlderGPUHasItsOwnFamily(t *testing.T) {
	built := fakecuda.Need(t)
	d, err := openFake(t, built, "sm80")
	if err != nil {
		t.Fatal(err)
	}
	hopper, err := openFake(t, built, "")
	if err != nil {
		t.Fatal(err)
	}
	if got := d.Info(); got.ExpertFamily != "cuda-sm80-k16" || !strings.HasPrefix(got.Kernel, portableKernel) {
		t.Errorf("an A100 is %+v", got)
	}
	if d.Info().FamilyWith("") == hopper.Info().FamilyWith("") {
		t.Error("an A100 and an H100 have one family")
	}
	if err := errors.Join(d.Close(), hopper.Close()); err != nil {
		t.Error(err)
	}
}

// TestMemoryIsBounded: what is free is the capacity, and beyond it an expert is
// refused while the others go on.
func TestMemoryIsBounded(t *testing.T) {
	built := fakecuda.Need(t)
	d, err := openFake(t, built, "memory=200000000")
	if err != nil {
		t.Fatal(err)
	}
	e, err := d.OpenExperts(smallConfig, rounded)
	if err != nil {
		t.Fatal(err)
	}
	own := e.(backend.OwnMemory)
	capacity, size := own.Capacity(), own.ExpertBytes(tensor.BF16)
	if size != 3*128*128*2 || capacity <= 0 || capacity >= 200000000-margin {
		t.Fatalf("capacity %d, an expert %d bytes", capacity, size)
	}
	m := randomWeight(t, tensor.BF16, 128, 128)
	w := model.ExpertWeights{W1: m, W2: m, W3: m}
	loaded := int64(0)
	for ; err == nil && loaded < 10000; loaded++ {
		err = e.Load(t.Context(), moe.ExpertID{Layer: int(loaded), Expert: 0}, w)
	}
	if !errors.Is(err, &driver.Error{Code: driver.OutOfMemory}) || (loaded-1)*size < capacity || !strings.Contains(err.Error(), "give this node fewer experts") {
		t.Fatalf("after %d experts of a capacity of %d: %v", loaded, capacity/size, err)
	}
	if err := runOne(t, e); err != nil {
		t.Errorf("a loaded expert: %v", err)
	}
	if err := errors.Join(e.Unload(moe.ExpertID{Layer: 1}), e.Load(t.Context(), moe.ExpertID{Layer: 1}, w), e.Close(), d.Close()); err != nil {
		t.Error(err)
	}
}

// TestALostDeviceIsCalledNoMore: a sticky fault, and a kernel that does not end. Every
// later call fails at once, and closing succeeds without the driver.
func TestALostDeviceIsCalledNoMore(t *testing.T) {
	built := fakecuda.Need(t)
	for faults, want := range map[string]string{"fault-after=5": "CUDA_ERROR_ILLEGAL_ADDRESS", "hang-after=5": "has not finished a call in 50ms"} {
		t.Run(faults, func(t *testing.T) {
			d, e, w := openLoaded(t, built, faults) // two launches write the image
			for i := range 3 {
				var lost *backend.LostError
				if err := runOne(t, e); !errors.As(err, &lost) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "device 0, fake H100") {
					t.Errorf("call %d: %v", i, err)
				}
			}
			var lost *backend.LostError
			if err := e.Load(t.Context(), moe.ExpertID{Expert: 1}, w); !errors.As(err, &lost) {
				t.Errorf("a load: %v", err)
			}
			if err := errors.Join(e.Unload(moe.ExpertID{}), e.Close(), d.Close()); err != nil {
				t.Errorf("to close: %v", err)
			}
		})
	}
}

// TestAnIdleDeviceIsFoundLost, which no call would find.
func TestAnIdleDeviceIsFoundLost(t *testing.T) {
	file := filepath.Join(t.TempDir(), "fault")
	lib := fakecuda.Open(t, fakecuda.Need(t), "fault-file="+file)
	d, err := Backend(Config{Open: func() (driver.Library, error) { return lib, nil }, Look: time.Millisecond}).Open(backend.Options{Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	e, err := d.OpenExperts(smallConfig, rounded)
	if err != nil {
		t.Fatal(err)
	}
	failed := e.(backend.Mortal).Failed()
	select {
	case lost := <-failed:
		t.Fatalf("before the fault: %v", lost)
	default:
	}
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if lost := <-failed; !strings.Contains(lost.Error(), "CUDA_ERROR_ILLEGAL_ADDRESS") {
		t.Errorf("after the fault: %v", lost)
	}
	if err := errors.Join(e.Close(), d.Close()); err != nil {
		t.Errorf("to close: %v", err)
	}
}

func TestFormatsThatNoKernelComputesAreRefused(t *testing.T) {
	d, e, w := openLoaded(t, fakecuda.Need(t), "")
	w.W2 = randomWeight(t, tensor.Int8, 128, 128)
	var refusal *backend.UnsupportedError
	if err := e.Load(t.Context(), moe.ExpertID{Expert: 1}, w); !errors.As(err, &refusal) {
		t.Errorf("matrices in two formats: %v", err)
	}
	f16 := tensor.Weight{DType: tensor.F16, Rows: 128, Cols: 128, Data: make([]byte, tensor.F16.Bytes(128, 128))}
	if err := e.Load(t.Context(), moe.ExpertID{Expert: 1}, model.ExpertWeights{W1: f16, W2: f16, W3: f16}); !errors.As(err, &refusal) || !strings.Contains(err.Error(), "f16") {
		t.Errorf("an unknown format: %v", err)
	}
	if err := errors.Join(e.Close(), d.Close()); err != nil {
		t.Error(err)
	}
}

// TestInt4AffineIsWidenedOnce: the replies are those of the weights in bf16.
func TestInt4AffineIsWidenedOnce(t *testing.T) {
	d, e, _ := openLoaded(t, fakecuda.Need(t), "")
	rng := rand.New(rand.NewPCG(3, 3))
	random := func() tensor.Weight {
		m := tensor.Weight{DType: tensor.Int4Affine, Rows: 128, Cols: 128, Data: make([]byte, tensor.Int4Affine.Bytes(128, 128))}
		for i := range m.Data {
			m.Data[i] = byte(rng.UintN(256))
		}
		for block := range len(m.Data) / tensor.Int4AffineBlock {
			scales := m.Data[(block+1)*tensor.Int4AffineBlock-4*tensor.BlockRows:][:4*tensor.BlockRows]
			for i := range 2 * tensor.BlockRows {
				binary.LittleEndian.PutUint16(scales[2*i:], 0x0800) // 2^-13
			}
		}
		return m
	}
	w := model.ExpertWeights{W1: random(), W2: random(), W3: random()}
	wide := w
	for _, m := range []*tensor.Weight{&wide.W1, &wide.W2, &wide.W3} {
		data := make([]float32, 128*128)
		for r := range 128 {
			tensor.Dequantize(data[r*128:(r+1)*128], *m, r)
		}
		*m = tensor.Weight{DType: tensor.BF16, Rows: 128, Cols: 128, Data: make([]byte, 2*len(data))}
		tensor.Encode(m.Data, data, tensor.BF16)
	}
	if err := errors.Join(e.Load(t.Context(), moe.ExpertID{Expert: 1}, w), e.Load(t.Context(), moe.ExpertID{Expert: 2}, wide)); err != nil {
		t.Fatal(err)
	}
	x, y := randomBytes(3*256), make([]byte, 6*256)
	if err := e.Run(t.Context(), 0, []moe.Group{{Expert: 1, Index: []int32{0, 1, 2}}, {Expert: 2, Index: []int32{0, 1, 2}}}, x, y); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(y[:3*256], y[3*256:]) || bytes.Equal(y[:256], make([]byte, 256)) {
		t.Error("other replies than those of the weights in bf16, or none")
	}
	own := e.(backend.OwnMemory)
	if own.ExpertBytes(tensor.Int4Affine) != own.ExpertBytes(tensor.BF16) {
		t.Errorf("an expert in int4-affine takes %d bytes", own.ExpertBytes(tensor.Int4Affine))
	}
	if err := errors.Join(e.Close(), d.Close()); err != nil {
		t.Error(err)
	}
}
