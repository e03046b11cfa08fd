package harness

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// environment gives each process of a cluster little of the machine, as the
// tests start many.
func environment() []string { return append(os.Environ(), "GOMAXPROCS=2") }

// Process is a running hachi.
type Process struct {
	*exec.Cmd
	output string // name of a file
}

// Output returns what the process has written so far.
func (p *Process) Output(t *testing.T) string {
	t.Helper()
	raw, err := os.ReadFile(p.output)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// Start runs hachi with args until the test ends.
func (p *Program) Start(t *testing.T, args ...string) *Process {
	t.Helper()
	file, err := os.Create(filepath.Join(t.TempDir(), "output"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	started := &Process{exec.Command(p.Binary, args...), file.Name()}
	started.Env, started.Stdout, started.Stderr = environment(), file, file
	if err := started.Cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = started.Process.Kill() // unless it has ended
		_ = started.Wait()
		if t.Failed() {
			t.Logf("output of hachi %v:\n%s", args, started.Output(t))
		}
	})
	return started
}

// Run runs hachi with args until it exits.
func (p *Program) Run(t *testing.T, args ...string) (status int, output string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), p.Binary, args...)
	cmd.Env = environment()
	raw, err := cmd.CombinedOutput()
	if failed := new(exec.ExitError); err != nil && !errors.As(err, &failed) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(raw)
}

// Output runs hachi with args, which must succeed, and returns what it prints on
// standard output.
func (p *Program) Output(t *testing.T, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), p.Binary, args...)
	cmd.Env = environment()
	var problems bytes.Buffer
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("hachi %v: %v\n%s", args, err, &problems)
	}
	return out
}

// ProcessesWith lists the processes of this machine whose arguments or log files
// contain one of marks. It skips the test on a system without /proc.
func ProcessesWith(t *testing.T, marks ...string) []string {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil || len(all) == 0 {
		t.Skip("this system has no /proc to look for processes in")
	}
	var found []string
	for _, path := range all {
		raw, err := os.ReadFile(path)
		if err != nil {
			continue // the process has ended meanwhile
		}
		line := strings.ReplaceAll(string(raw), "\x00", " ")
		log, _ := os.Readlink(filepath.Join(filepath.Dir(path), "fd", "1"))
		for _, mark := range marks {
			if strings.Contains(line, mark) || strings.Contains(log, mark) {
				found = append(found, line)
				break
			}
		}
	}
	return found
}
