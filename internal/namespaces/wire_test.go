//go:build linux

package namespaces

import (
	"encoding/binary"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// ends are those of a line that keeps the boundaries of frames.
func ends(t *testing.T) (a, b *os.File) {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	a, b = os.NewFile(uintptr(pair[0]), "a"), os.NewFile(uintptr(pair[1]), "b")
	t.Cleanup(func() { a.Close(); b.Close() })
	return a, b
}

// TestADelayKeepsTheOrderOfFrames: TCP would take another one for losses.
func TestADelayKeepsTheOrderOfFrames(t *testing.T) {
	sender, from := ends(t)
	to, receiver := ends(t)
	var w wire
	w.running.Go(func() { w.copy(to, from, Wire{Delay: time.Millisecond}) })
	const frames = 500
	go func() {
		for i := range frames {
			frame := make([]byte, offloadBytes+4)
			binary.LittleEndian.PutUint32(frame[offloadBytes:], uint32(i))
			if _, err := sender.Write(frame); err != nil {
				t.Error(err)
			}
		}
	}()
	buffer := make([]byte, maxFrame)
	for i := range frames {
		n, err := receiver.Read(buffer)
		if err != nil || n != offloadBytes+4 {
			t.Fatalf("%d bytes: %v", n, err)
		}
		if got := binary.LittleEndian.Uint32(buffer[offloadBytes:]); got != uint32(i) {
			t.Fatalf("frame %d came as number %d", got, i)
		}
	}
	from.Close()
	w.running.Wait()
}
