package e2e

import (
	"os"
	"testing"

	"github.com/hachi-serve/hachi/internal/backend/sidecar/sidecartest"
	"github.com/hachi-serve/hachi/internal/browsertest"
	"github.com/hachi-serve/hachi/test/e2e/internal/harness"
)

// hachi is the program under test.
var hachi *harness.Program

func TestMain(m *testing.M) {
	sidecartest.Main() // in a process that a node started as its helper
	code := harness.Main(m, &hachi)
	browsertest.Stop()
	os.Exit(code)
}
