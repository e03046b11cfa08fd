package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/hachi-serve/hachi/internal/weights/preset"
)

// runEnv makes the test binary the program itself, so that tests start real
// processes without building anything.
const runEnv = "HACHI_TEST_RUN"

func TestMain(m *testing.M) {
	if os.Getenv(runEnv) == "1" {
		os.Exit(run(os.Args[1:]))
	}
	os.Exit(runTests(m))
}

// tinyDir is a checkpoint all tests share; they only read it.
var tinyDir string

func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "hachi-test")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	tinyDir = filepath.Join(dir, "tiny")
	if err := preset.Write(tinyDir, "tiny", 1, nil); err != nil {
		panic(err)
	}
	return m.Run()
}
