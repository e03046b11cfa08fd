package fakecuda

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"unsafe"

	"github.com/hachi-serve/hachi/internal/backend/cuda/kernels"
	"github.com/hachi-serve/hachi/internal/cuda"
	"github.com/hachi-serve/hachi/internal/cuda/libcuda"
)

//go:embed driver/libcuda.c
var source []byte

// ErrNoCompiler says that there is no gcc.
var ErrNoCompiler = errors.New("the fake CUDA driver needs gcc, which is not installed")

// flags are those of gcc: no fused operation but where the source asks for one.
var flags = []string{"-O2", "-march=native", "-ffp-contract=off", "-fno-strict-aliasing", "-shared", "-fPIC", "-Wno-unknown-pragmas"}

// Build compiles the driver as libcuda.so.1 in a directory.
func Build(dir string) error {
	gcc, err := exec.LookPath("gcc")
	if err != nil {
		return ErrNoCompiler
	}
	if err := os.CopyFS(dir, kernels.Sources); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "libcuda.c"), source, 0o600); err != nil {
		return err
	}
	cmd := exec.Command(gcc, append(slices.Clone(flags), "-o", "libcuda.so.1", "libcuda.c", "-lm", "-lpthread")...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("gcc: %w\n%s", err, out)
	}
	return nil
}

// Need returns a directory with the driver, which is compiled once for its sources and
// stays in the user's cache. Without a compiler the test is skipped, in words.
func Need(t testing.TB) (dir string) {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	hash, err := kernels.Hash()
	if err != nil {
		t.Fatal(err)
	}
	key := sha256.Sum256(fmt.Appendf(source[:len(source):len(source)], "%s %v", hash, flags))
	dir = filepath.Join(cache, "hachi-fakecuda", hex.EncodeToString(key[:8]))
	if _, err := os.Stat(filepath.Join(dir, "libcuda.so.1")); err == nil {
		return dir
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		t.Fatal(err)
	}
	fresh, err := os.MkdirTemp(filepath.Dir(dir), "building")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(fresh)
	if err := Build(fresh); errors.Is(err, ErrNoCompiler) {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
	// Another process may have been first; what it built is the same.
	if err := os.Rename(fresh, dir); err != nil && !errors.Is(err, fs.ErrExist) {
		t.Fatal(err)
	}
	return dir
}

// Open opens a copy of a built driver with faults, which driver/libcuda.c lists.
func Open(t testing.TB, built, faults string) cuda.Library {
	t.Helper()
	code, err := os.ReadFile(filepath.Join(built, "libcuda.so.1"))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "libcuda.so.1")
	if err := os.WriteFile(path, code, 0o600); err != nil {
		t.Fatal(err)
	}
	lib, err := libcuda.OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	set, err := lib.Symbol("fakeFaults")
	if err != nil {
		t.Fatal(err)
	}
	text := append([]byte(faults), 0)
	if code := lib.Call(set, uintptr(unsafe.Pointer(&text[0]))); code != 0 {
		t.Fatalf("faults %q: %d", faults, code)
	}
	return lib
}
