package rowbuf

import (
	"testing"
	"unsafe"
)

func TestMemoryIsAlignedAndLargeEnough(t *testing.T) {
	var p Pool
	for _, n := range []int{0, 1, 63, 2048, 2049, 8192, 100_000, 1<<largest + 1} {
		data, release := p.Get(n)
		if len(data) != n || cap(data) < min(n, 2048) {
			t.Errorf("%d bytes: got %d of %d", n, len(data), cap(data))
		}
		if at := uintptr(unsafe.Pointer(unsafe.SliceData(data))); at%Align != 0 {
			t.Errorf("%d bytes: at %x", n, at)
		}
		release()
	}
}

func TestMemoryIsLentToOneHolderAtATime(t *testing.T) {
	var p Pool
	seen := map[*byte]bool{}
	var all []func()
	for range 100 {
		data, release := p.Get(5000)
		if at := unsafe.SliceData(data); seen[at] {
			t.Fatal("lent twice")
		} else {
			seen[at] = true
		}
		all = append(all, release)
	}
	for _, release := range all {
		release()
	}
}

func TestPoisonShowsUseAfterRelease(t *testing.T) {
	p := Pool{Poison: true}
	data, release := p.Get(10)
	data[3] = 7
	release()
	if data[3] != 0xdb {
		t.Errorf("byte %x after its release", data[3])
	}
}

func BenchmarkGet(b *testing.B) {
	var p Pool
	b.ReportAllocs()
	for b.Loop() {
		_, release := p.Get(8192)
		release()
	}
}
