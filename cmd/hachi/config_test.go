package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/hachi-serve/hachi/internal/role"
)

func writeTemp(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "hachi.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// execute runs the command line in this process.
func execute(t *testing.T, args ...string) (stdout string, cmd *cobra.Command, err error) {
	t.Helper()
	root := newRoot()
	var out bytes.Buffer
	root.SetOut(&out)
	root.SetErr(&bytes.Buffer{})
	cmd, err = runCommand(t.Context(), root, args)
	return out.String(), cmd, err
}

// TestFlagsOverrideTheEnvironmentAndTheFile in this order.
func TestFlagsOverrideTheEnvironmentAndTheFile(t *testing.T) {
	file := writeTemp(t, `
nodes: 5
etcd: [a:1, b:2]
model: {dir: /file, threads: 3}
serving:
  kvCacheMemory: 2GiB
  maxNumSeqs: 11
  attributes: [quality=4]
  disableHedging: true
`)
	t.Setenv("HACHI_MAX_NUM_SEQS", "12")
	t.Setenv("HACHI_NODES", "6")
	out, _, err := execute(t, "config", "--config", file, "--nodes", "7", "--etcd", "c:3", "--hedge", "--data-dir", "/data")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"\nnodes: 7\n", "\n  threads: 3\n", "\n  kvCacheMemory: 2Gi\n", "\n  maxNumSeqs: 12\n", "\n    - quality=4\n",
		"\n  dir: /file\n", "\netcd:\n  - c:3\n#", "\n  disableHedging: false\n", "\n  maxQueuedRequests: 256\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing in\n%s", want, out)
		}
	}
}

func TestUnknownFieldsAreReportedWithTheirLines(t *testing.T) {
	_, _, err := execute(t, "config", "--config", writeTemp(t, "nodes: 3\nnode: 4\nserving:\n  kvCacheMemory: lots\n  requestDeadline: 5\n  speculate: 2\n"))
	if !errors.As(err, new(*role.ConfigError)) {
		t.Fatalf("error %v, want a ConfigError", err)
	}
	for _, want := range []string{"hachi.yaml: ", `line 2: unknown field "node"`, `line 4: "lots": want a number of bytes`, "line 5: ", `line 6: unknown field "speculate"`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in %v", want, err)
		}
	}
	if strings.Contains(err.Error(), "role.") || strings.Contains(err.Error(), "!!") {
		t.Errorf("the error speaks of Go's types: %v", err)
	}
}

// TestFractionsAreNotCut where a file needs a whole number, a duration or a size.
func TestFractionsAreNotCut(t *testing.T) {
	_, _, err := execute(t, "config", "--data-dir", "d", "--config", writeTemp(t, "nodes: 2.5\nleaseTTL: 1.5\nserving: {maxNumSeqs: 1.5, kvCacheMemory: 1.5, requestDeadline: 1.5}\n"))
	if err == nil {
		t.Fatal("no fault")
	}
	for _, want := range []string{`line 1: nodes "2.5": want a whole number`, `line 3: serving.maxNumSeqs "1.5": want a whole number`, `line 3: "1.5": want a number of bytes`, "line 2: ", "want a duration"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in %v", want, err)
		}
	}
	if _, _, err := execute(t, "config", "--data-dir", "d", "--model", "m", "--config", writeTemp(t, "nodes: 2.0\n")); err != nil {
		t.Errorf("a whole number with a point: %v", err)
	}
}

func TestFaultsNameFieldsAndFlags(t *testing.T) {
	_, cmd, err := execute(t, "config", "--data-dir", "d", "--nodes", "0", "--kv-cache-memory", "1", "--lease-ttl", "1ms")
	lines := explain(cmd, err)
	for _, want := range []string{"nodes (--nodes): 0: want at least 1", "serving.kvCacheMemory (--kv-cache-memory): 1: want at least 1Mi", "leaseTTL (--lease-ttl): 1ms: want at least 1s"} {
		if !strings.Contains(strings.Join(lines, "\n")+"\n", want+"\n") {
			t.Errorf("%q is missing in %q", want, lines)
		}
	}
}

func TestUnknownCommandsFail(t *testing.T) {
	for _, args := range [][]string{{"upp"}, {"bench", "forwrd"}, {"model", "quantze"}, {"config", "rooter"}, {"bench", "rpc", "kid"}, {"bench", "failover", "nod"}, {"help", "upp"}, {"help", "model", "quantze"}, {"completion", "bsh"}} {
		if _, _, err := execute(t, args...); err == nil || !strings.Contains(err.Error(), args[len(args)-1]) {
			t.Errorf("hachi %v: error %v, want one that names the command", args, err)
		}
	}
}

func TestVersionIsOneLineThatNamesTheBuild(t *testing.T) {
	command, _, err := execute(t, "version")
	if err != nil {
		t.Fatal(err)
	}
	flag, _, err := execute(t, "--version")
	if err != nil || flag != command {
		t.Errorf("--version prints %q, %v; version prints %q", flag, err, command)
	}
	if words := strings.Fields(command); len(words) != 5 || words[0] != "hachi" || words[2] != "commit" || !strings.HasPrefix(words[4], "go") {
		t.Errorf("version prints %q, want: hachi RELEASE commit COMMIT GO", command)
	}
}
