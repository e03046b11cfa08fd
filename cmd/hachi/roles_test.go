package main

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/internal/local"
)

// TestABackendThatIsNotBuiltInRefusesToStart: a deployment that asks for other
// hardware than this binary computes with must not serve with something else.
func TestABackendThatIsNotBuiltInRefusesToStart(t *testing.T) {
	for _, role := range []string{"expertnode", "router"} {
		for _, backend := range []string{"gpu", "neuron", ""} {
			t.Run(role+" "+backend, func(t *testing.T) {
				status, said := runRole(t, role, "--id", "a", "--model", tinyDir, "--backend="+backend)
				if status != local.ExitConfigError {
					t.Errorf("exit status %d, want %d: a restart would not help", status, local.ExitConfigError)
				}
				if want := `model.backend (--backend): "` + backend + `": this binary has cpu`; !strings.Contains(said, want) {
					t.Errorf("said %q, want %q", said, want)
				}
			})
		}
	}
}

func TestAnAddressNobodyCanDialIsRefused(t *testing.T) {
	for _, listen := range []string{":7070", "0.0.0.0:7070", "[::]:7070"} {
		for _, role := range [][]string{{"expertnode", "--model", tinyDir}, {"coordinator"}} {
			status, said := runRole(t, append(role, "--id", "a", "--listen", listen)...)
			if status != local.ExitConfigError || !strings.Contains(said, "advertise (--advertise): required") {
				t.Errorf("%s --listen %s: exit status %d, said %q", role[0], listen, status, said)
			}
		}
	}
}

// runRole runs a role that is expected to end by itself.
func runRole(t *testing.T, args ...string) (status int, said string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env = append(os.Environ(), runEnv+"=1")
	out, err := cmd.CombinedOutput()
	if failed := new(exec.ExitError); err != nil && !errors.As(err, &failed) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}
