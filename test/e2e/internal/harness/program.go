package harness

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/hachi-serve/hachi/internal/weights/preset"
)

// Program is a built hachi and a checkpoint to serve with it.
type Program struct {
	Binary string
	Model  string // directory of a checkpoint of the preset tiny
}

// Main builds the program, runs the tests of a package and returns the exit
// status for TestMain.
func Main(m *testing.M, program **Program) int {
	dir, err := os.MkdirTemp("", "hachi-e2e")
	if err != nil {
		return fail(err)
	}
	defer os.RemoveAll(dir)
	p := &Program{Binary: filepath.Join(dir, "hachi"), Model: filepath.Join(dir, "tiny")}
	if err := build(p.Binary); err != nil {
		return fail(err)
	}
	if err := preset.Write(p.Model, "tiny", 1, nil); err != nil {
		return fail(err)
	}
	*program = p
	return m.Run()
}

func fail(err error) int {
	fmt.Fprintln(os.Stderr, "harness:", err)
	return 1
}

// Version builds the program with another version stamp and returns the binary.
func Version(t *testing.T, release string) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "hachi")
	if err := build(binary, "-ldflags", "-X github.com/hachi-serve/hachi/internal/version.release="+release); err != nil {
		t.Fatal(err)
	}
	return binary
}

// Tagged builds the program with a build tag and returns the binary.
func Tagged(t *testing.T, tag string) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "hachi-"+tag)
	if err := build(binary, "-tags", tag); err != nil {
		t.Fatal(err)
	}
	return binary
}

// build compiles the binary. flags are those of go build.
func build(binary string, flags ...string) error {
	args := append(flags, "-buildvcs=false", "-o", binary, "github.com/hachi-serve/hachi/cmd/hachi")
	out, err := goCommand(context.Background(), "build", args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("build hachi: %w\n%s", err, out)
	}
	return nil
}

// Test runs tests of another package, which args name, in an environment in which
// go finds its caches.
func Test(ctx context.Context, environment []string, args ...string) error {
	cmd := goCommand(ctx, "test", append([]string{"-vet=off", "-count=1"}, args...)...)
	cmd.Env = environment
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("go test %v: %w\n%s", args, err, out)
	}
	return nil
}

// goCommand builds with the race detector if the tests run with it.
func goCommand(ctx context.Context, verb string, args ...string) *exec.Cmd {
	if raceEnabled {
		args = append([]string{"-race"}, args...)
	}
	return exec.CommandContext(ctx, "go", append([]string{verb}, args...)...)
}
