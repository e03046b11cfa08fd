package leaktest

import (
	"fmt"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// patience is longer than what a library leaves behind lives.
const patience = 20 * time.Second

// Main runs the tests and exits; if they pass, with a failure when goroutines
// are still there after patience.
func Main(m *testing.M) {
	code := m.Run()
	if code == 0 {
		leak := goleak.Find()
		for end := time.Now().Add(patience); leak != nil && time.Now().Before(end); leak = goleak.Find() {
		}
		if leak != nil {
			fmt.Fprintln(os.Stderr, leak)
			code = 1
		}
	}
	os.Exit(code)
}
