package cuda_test

import (
	"bytes"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/hachi-serve/hachi/internal/backend/cuda/fakecuda"
	"github.com/hachi-serve/hachi/internal/cuda"
)

// openDevice opens the GPU of a fake driver.
func openDevice(t *testing.T) *cuda.Device {
	t.Helper()
	d, err := cuda.Open(fakecuda.Open(t, fakecuda.Need(t), ""))
	if err != nil {
		t.Fatal(err)
	}
	v, err := d.Device(0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := v.Close(); err != nil {
			t.Error(err)
		}
	})
	return v
}

func TestACallOutsideOfDoIsRefused(t *testing.T) {
	v := openDevice(t)
	if _, err := v.Alloc(100); !errors.Is(err, &cuda.Error{Code: cuda.InvalidContext}) {
		t.Errorf("before: %v, want an invalid context", err)
	}
	err := v.Do(func() error {
		return v.Do(func() error {
			b, err := v.Alloc(100)
			if err != nil {
				return err
			}
			return b.Free()
		})
	})
	if err != nil {
		t.Errorf("inside: %v", err)
	}
	if _, err := v.Alloc(100); !errors.Is(err, &cuda.Error{Code: cuda.InvalidContext}) {
		t.Errorf("afterwards: %v, want an invalid context", err)
	}
}

// TestGoroutinesUseADeviceAtOnce: each has its context on its own thread, and what it
// uploads comes back.
func TestGoroutinesUseADeviceAtOnce(t *testing.T) {
	v := openDevice(t)
	var all sync.WaitGroup
	for worker := range 8 {
		all.Go(func() {
			for range 50 {
				if err := v.Do(func() error { return roundTrip(v, byte(worker)) }); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
}

// roundTrip copies to the device and back.
func roundTrip(v *cuda.Device, fill byte) error {
	const n = 10000
	var closes []cuda.Closer
	failed := func() error {
		h, err := v.AllocHost(2 * n)
		if err != nil {
			return err
		}
		closes = append(closes, h.Free)
		b, err := v.Alloc(n)
		if err != nil {
			return err
		}
		closes = append(closes, b.Free)
		s, err := v.NewStream()
		if err != nil {
			return err
		}
		closes = append(closes, s.Close)
		copy(h.Bytes[:n], bytes.Repeat([]byte{fill}, n))
		if err := errors.Join(s.Upload(b.Pointer, h.Bytes[:n]), s.Download(h.Bytes[n:], b.Pointer), s.Synchronize()); err != nil {
			return err
		}
		if !bytes.Equal(h.Bytes[:n], h.Bytes[n:]) {
			return errors.New("other bytes came back")
		}
		return nil
	}()
	return errors.Join(failed, cuda.CloseAll(closes))
}

func TestErrorsSayTheWayOut(t *testing.T) {
	v := openDevice(t)
	err := v.Do(func() error {
		_, err := v.Alloc(1 << 40)
		return err
	})
	if err == nil || !strings.Contains(err.Error(), "CUDA_ERROR_OUT_OF_MEMORY (2): out of memory: free the device's memory") {
		t.Errorf("out of memory: %v", err)
	}
	for code, sticky := range map[cuda.Code]bool{cuda.OutOfMemory: false, cuda.InvalidValue: false, cuda.NotReady: false,
		cuda.IllegalAddress: true, cuda.LaunchFailed: true, cuda.ECCUncorrectable: true} {
		if got := cuda.Sticky(&cuda.Error{Code: code}); got != sticky {
			t.Errorf("code %d is sticky: %v", code, got)
		}
	}
	if text := (&cuda.Error{Code: cuda.LaunchFailed}).Error(); !strings.Contains(text, "dmesg") {
		t.Errorf("a failed launch: %s", text)
	}
}

// empty is a library without functions.
type empty struct{}

func (empty) Symbol(name string) (uintptr, error) { return 0, errors.New("no symbol " + name) }
func (empty) Call(uintptr, ...uintptr) uintptr    { panic("called") }

func TestALibraryThatIsNoDriverIsRefused(t *testing.T) {
	if _, err := cuda.Open(empty{}); err == nil || !strings.Contains(err.Error(), "no driver of CUDA") {
		t.Errorf("an empty library: %v", err)
	}
}
