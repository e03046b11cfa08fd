package e2e

import (
	"os"
	"testing"

	"github.com/hachi-serve/hachi/test/e2e/internal/harness"
)

// hachi is the program under test.
var hachi *harness.Program

func TestMain(m *testing.M) { os.Exit(harness.Main(m, &hachi)) }
