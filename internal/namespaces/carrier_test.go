//go:build linux

package namespaces

import (
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// BenchmarkLateMessage says what takes a core of this machine to make a message late, which
// is the CPU time of this process beside that of messages that are not, and how long a late
// message and its answer take. TCP has 50 trips to learn what it may send at once.
func BenchmarkLateMessage(b *testing.B) {
	n, err := New(b.Context(), "punctual", "late")
	if err != nil {
		b.Skip(err)
	}
	defer func() {
		if err := n.Close(); err != nil {
			b.Error(err)
		}
	}()
	if err := n.Disturb(b.Context(), "late", Wire{Delay: 4 * time.Millisecond}); err != nil {
		b.Fatal(err)
	}
	punctual, late := dial(b, n, "punctual"), dial(b, n, "late")
	for _, bytes := range []int{1 << 10, 8 << 10, 32 << 10, 64 << 10, 128 << 10, 256 << 10, 512 << 10} {
		b.Run(fmt.Sprintf("%dKiB", bytes>>10), func(b *testing.B) {
			const trips = 50
			trip(b, late, bytes, trips)
			var took, away time.Duration
			for b.Loop() {
				began := time.Now()
				took += trip(b, late, bytes, trips)
				away += time.Since(began)
				took -= trip(b, punctual, bytes, trips)
			}
			b.ReportMetric(float64(took.Microseconds())/float64(2*trips*b.N), "µs/message")
			b.ReportMetric(float64(away.Microseconds())/1e3/float64(trips*b.N), "ms/trip")
		})
	}
}

// trip sends bytes there and back some times, and returns the CPU time of this process.
func trip(b *testing.B, conn net.Conn, bytes, times int) time.Duration {
	b.Helper()
	out, in := make([]byte, bytes), make([]byte, bytes)
	before := cpu(b)
	for range times {
		if _, err := conn.Write(out); err != nil {
			b.Fatal(err)
		}
		if _, err := io.ReadFull(conn, in); err != nil {
			b.Fatal(err)
		}
	}
	return cpu(b) - before
}

// cpu is the CPU time of this process.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
