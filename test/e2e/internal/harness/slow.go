package harness

import "testing"

// Slow skips a test of more than a few seconds under `go test -short`.
func Slow(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("takes more than a few seconds: skipped by -short")
	}
}
