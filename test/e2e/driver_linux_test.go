package e2e

import (
	"debug/buildinfo"
	"debug/elf"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/internal/cuda/libcuda"
	"github.com/hachi-serve/hachi/internal/local"
	"github.com/hachi-serve/hachi/test/e2e/internal/harness"
)

// TestOnlyTheCudaBuildWantsALibrary: the default build is static and opens no driver. The
// other one needs the C library, and without a driver says so in one line.
func TestOnlyTheCudaBuildWantsALibrary(t *testing.T) {
	harness.Slow(t)
	t.Parallel()
	node := []string{"expertnode", "--model", hachi.Model, "--backend", "cuda", "--ffn-activation-dtype", "bf16", "--id", "expert-0", "--etcd", "127.0.0.1:1"}
	if code, said := hachi.Run(t, node...); code != local.ExitConfigError || !strings.Contains(said, "this binary is static and opens no driver") {
		t.Errorf("the default build: %d, %s", code, said)
	}
	withCuda := harness.Program{Binary: harness.Tagged(t, "cuda"), Model: hachi.Model}
	if got := needs(t, hachi.Binary); len(got) > 0 {
		t.Errorf("the default build needs %v", got)
	}
	system := []string{loader, "libc.so.6", "libdl.so.2", "libpthread.so.0"}
	if got := needs(t, withCuda.Binary); slices.ContainsFunc(got, func(l string) bool { return !slices.Contains(system, l) }) {
		t.Errorf("the build with cuda needs %v, expected at most %v", got, system)
	}
	if _, err := libcuda.Open(); err == nil {
		t.Skip("this machine has an NVIDIA driver")
	}
	code, said := withCuda.Run(t, node...)
	if line := strings.TrimSpace(said); code != local.ExitConfigError || strings.Contains(line, "\n") || !strings.Contains(line, "libcuda.so.1 not found: install the NVIDIA driver, or give the container a GPU") {
		t.Errorf("without a driver: %d, %s", code, said)
	}
}

// loader stands for the dynamic linker in what a binary needs.
const loader = "the dynamic linker"

// needs are the libraries of a binary. Those of one with cgo are not looked at: the race
// detector wants it, the Makefile builds everything else without.
func needs(t *testing.T, binary string) []string {
	t.Helper()
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		t.Fatal(err)
	}
	if slices.Contains(info.Settings, debug.BuildSetting{Key: "CGO_ENABLED", Value: "1"}) {
		t.Logf("%s is built with cgo", binary)
		return nil
	}
	f, err := elf.Open(binary)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	libraries, err := f.ImportedLibraries()
	if err != nil {
		t.Fatal(err)
	}
	if slices.ContainsFunc(f.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_INTERP }) {
		libraries = append(libraries, loader)
	}
	return libraries
}
