package eventually

import (
	"testing"
	"time"
)

// Within is longer than any wait of hachi's protocols on a busy machine: leases,
// graces and retries end earlier.
const Within = 2 * time.Minute

// pause is short beside what tests wait for, and long enough that a condition
// that asks other processes leaves them the processor.
const pause = 10 * time.Millisecond

// True returns as soon as ok does, and fails the test if ok is still false after
// Within.
func True(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(Within); !ok(); time.Sleep(pause) {
		if time.Now().After(end) {
			t.Fatalf("not true within %v: %s", Within, what)
		}
	}
}
