package sidecar_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/hachi-serve/hachi/internal/backend/sidecar/sidecartest"
)

func TestMain(m *testing.M) {
	sidecartest.Main()
	goleak.VerifyTestMain(m)
}
