package cuda

import (
	"bytes"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/hachi-serve/hachi/internal/backend"
	"github.com/hachi-serve/hachi/internal/backend/cuda/fakecuda"
	"github.com/hachi-serve/hachi/internal/compute/tensor"
	driver "github.com/hachi-serve/hachi/internal/cuda"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/moe"
)

// spy notes which host memory the driver copies from and to.
type spy struct {
	driver.Library
	mu       sync.Mutex // guards the fields below
	up, down uintptr    // the functions
	from, to []uintptr
	end      uintptr // the function that gives back the context
	released bool    // it was called
}

func (s *spy) Symbol(name string) (uintptr, error) {
	at, err := s.Library.Symbol(name)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch name {
	case "cuMemcpyHtoDAsync_v2":
		s.up = at
	case "cuMemcpyDtoHAsync_v2":
		s.down = at
	case "cuDevicePrimaryCtxRelease_v2":
		s.end = at
	}
	return at, err
}

func (s *spy) Call(function uintptr, args ...uintptr) uintptr {
	s.mu.Lock()
	switch function {
	case s.up:
		s.from = append(s.from, args[1])
	case s.down:
		s.to = append(s.to, args[0])
	case s.end:
		s.released = true
	}
	s.mu.Unlock()
	return s.Library.Call(function, args...)
}

// TestRowsInLentMemoryAreCopiedByTheDeviceOnly: it reads them and writes the replies
// where they lie. The replies are those of rows elsewhere, bit for bit.
func TestRowsInLentMemoryAreCopiedByTheDeviceOnly(t *testing.T) {
	s := &spy{Library: fakecuda.Open(t, fakecuda.Need(t), "")}
	d, err := Backend(Config{Open: func() (driver.Library, error) { return s, nil }}).Open(backend.Options{Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	e, err := d.OpenExperts(smallConfig, rounded)
	if err != nil {
		t.Fatal(err)
	}
	for expert := range 2 {
		m := randomWeight(t, tensor.BF16, 128, 128)
		if err := e.Load(t.Context(), moe.ExpertID{Expert: expert}, model.ExpertWeights{W1: m, W2: m, W3: m}); err != nil {
			t.Fatal(err)
		}
	}
	const rows, size = 9, 256
	groups := []moe.Group{{Expert: 0, Index: []int32{8, 1, 3}}, {Expert: 1, Index: []int32{0, 1, 2, 7}}}
	elsewhere, want := slices.Repeat(randomBytes(size), rows), make([]byte, 7*size)
	for i := range rows {
		elsewhere[i*size+1], elsewhere[i*size+3] = 0x3f, byte(0x3c+i%4) // other rows
	}
	if err := e.Run(t.Context(), 0, groups, elsewhere, want); err != nil {
		t.Fatal(err)
	}
	lender := e.(backend.HostMemory)
	x, releaseX := lender.HostMemory(rows * size)
	y, releaseY := lender.HostMemory(7 * size)
	copy(x, elsewhere)
	s.mu.Lock()
	s.from, s.to = nil, nil
	s.mu.Unlock()
	if err := e.Run(t.Context(), 0, groups, x, y); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(y, want) {
		t.Error("other bits than those of rows elsewhere")
	}
	if !slices.Contains(s.from, address(x)) || !slices.Equal(s.to, []uintptr{address(y)}) {
		t.Errorf("the device copied from %x and to %x, want from %x and to %x", s.from, s.to, address(x), address(y))
	}
	releaseX()
	releaseY()
	if again, release := lender.HostMemory(rows * size); address(again) != address(x) && address(again) != address(y) {
		t.Error("memory that came back is not lent again")
	} else {
		release()
	}
	if err := errors.Join(e.Close(), d.Close()); err != nil {
		t.Error(err)
	}
}

// TestPinnedMemoryIsBounded: beyond the bound, rows lie in ordinary memory. What a lost
// device may still write to is not lent again.
func TestPinnedMemoryIsBounded(t *testing.T) {
	opened, err := openFake(t, fakecuda.Need(t), "")
	if err != nil {
		t.Fatal(err)
	}
	d := opened.(*device)
	d.pinned.limit = 3 << smallestPiece
	var releases []func()
	var pinned [][]byte
	for i := range 5 {
		b, release := d.pinned.get(1 << smallestPiece)
		b[0], b[len(b)-1] = 1, 2
		if got, want := d.pinned.holds(b), i < 3; got != want {
			t.Errorf("piece %d is pinned: %v, want %v", i, got, want)
		}
		releases, pinned = append(releases, release), append(pinned, b)
	}
	releases[0]()
	if again, _ := d.pinned.get(10); address(again) != address(pinned[0]) {
		t.Error("memory that came back is not lent again")
	}
	if b, _ := d.pinned.get(1<<largestPiece + 1); len(b) != 1<<largestPiece+1 || d.pinned.holds(b) {
		t.Error("a piece beyond the largest is pinned, or of another size")
	}
	_ = d.lose(errors.New("a test"))
	releases[1]()
	if b, _ := d.pinned.get(10); d.pinned.holds(b) {
		t.Error("memory of a lost device is lent again")
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}

// TestLentMemoryOutlivesItsDevice: the driver's context, which it lies in, stays.
func TestLentMemoryOutlivesItsDevice(t *testing.T) {
	for _, back := range []bool{true, false} {
		s := &spy{Library: fakecuda.Open(t, fakecuda.Need(t), "")}
		opened, err := Backend(Config{Open: func() (driver.Library, error) { return s, nil }}).Open(backend.Options{})
		if err != nil {
			t.Fatal(err)
		}
		d := opened.(*device)
		b, release := d.pinned.get(10)
		if back {
			release()
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
		if s.released != back {
			t.Errorf("memory came back: %v, the context was given back: %v", back, s.released)
		}
		if !back {
			b[0] = 1
			release()
		}
		if b, _ := d.pinned.get(10); d.pinned.holds(b) {
			t.Error("a closed device lends pinned memory")
		}
	}
}

// randomBytes are n bytes of small numbers in bf16.
func randomBytes(n int) []byte {
	out := make([]byte, n)
	for i := range out {
		out[i] = byte(i * 7)
		if i%2 == 1 {
			out[i] = 0x3d
		}
	}
	return out
}
