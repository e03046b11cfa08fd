package sidecar

import (
	"errors"
	"log/slog"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestSharedMemoryKeepsItsSize: a helper that shortens a file would kill the node by
// SIGBUS.
func TestSharedMemoryKeepsItsSize(t *testing.T) {
	s, err := newShared("test", 1<<16)
	if err != nil {
		t.Fatal(err)
	}
	fd := int(s.file.Fd())
	for _, size := range []int64{0, 1 << 20} {
		if err := unix.Ftruncate(fd, size); !errors.Is(err, unix.EPERM) {
			t.Errorf("cut to %d bytes: %v, want not permitted", size, err)
		}
	}
	if len(s.bytes) != 1<<16 {
		t.Errorf("%d bytes", len(s.bytes))
	}
	if err := s.close(); err != nil {
		t.Error(err)
	}
	if _, err := newShared("test", 1<<62); err == nil {
		t.Error("4 EiB were shared")
	}
}

func TestTheLastOutputIsKept(t *testing.T) {
	o := &output{log: slog.New(slog.DiscardHandler)}
	if o.last() != "" {
		t.Errorf("without output: %q", o.last())
	}
	for range 2 * keptLines {
		if _, err := o.Write([]byte("old\nli")); err != nil {
			t.Fatal(err)
		}
		if _, err := o.Write([]byte("ne\n" + strings.Repeat("x", 2*maxLine) + "\nend")); err != nil {
			t.Fatal(err)
		}
		if _, err := o.Write([]byte("\n")); err != nil {
			t.Fatal(err)
		}
	}
	got := o.last()
	if lines := strings.Split(got, "\n"); len(lines) != keptLines+1 || lines[keptLines] != "end" || lines[keptLines-1] != strings.Repeat("x", maxLine) || lines[keptLines-2] != "line" {
		t.Errorf("%q", got)
	}
}
