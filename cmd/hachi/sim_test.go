package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/internal/sim"
)

const rack = "../../docs/scaling/rack.yaml"

func TestSimPrintsTheSameBytesForTheSameSeed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "trace.csv")
	lines := "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46.68,30,5\n2023-11-16 18:15:46.99,90,3\n2023-11-16 18:15:50,9,2\n"
	if err := os.WriteFile(file, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, source := range [][]string{{"--trace", file}, {"--synthetic", "azure-conversation", "--duration", "10s", "--rate", "0.5"}} {
		args := append([]string{"sim", rack, "--seed", "3"}, source...)
		first, _, err := execute(t, args...)
		if err != nil {
			t.Fatalf("%v: %v", args, err)
		}
		for _, want := range []string{"TTFT", "slowest expert", "expert-5", "tokens/s generated", "experts/batch"} {
			if !strings.Contains(first, want) {
				t.Errorf("%v lacks %q:\n%s", args, want, first)
			}
		}
		if again, _, err := execute(t, args...); err != nil || again != first {
			t.Errorf("%v: %v, another output:\n%s\n%s", args, err, first, again)
		}
	}
	out, _, err := execute(t, "sim", rack, "--trace", file, "--json")
	var report sim.Report
	if err == nil {
		err = json.Unmarshal([]byte(out), &report)
	}
	if err != nil || report.Requests.Completed != 3 || len(report.Nodes) != 6 {
		t.Errorf("%v: %s", err, out)
	}
	out, _, err = execute(t, "sim", "trace", file)
	if err != nil || !strings.Contains(out, "3 requests in 3 s") {
		t.Errorf("%v: %s", err, out)
	}
}

func TestSimTakesAPreset(t *testing.T) {
	list, _, err := execute(t, "sim", "presets")
	if err != nil || strings.Count(list, "\n") != 5 {
		t.Fatalf("%v: %s", err, list)
	}
	for line := range strings.Lines(list) {
		name, _, _ := strings.Cut(line, " ")
		text, _, err := execute(t, "sim", "presets", name)
		if err != nil || !strings.Contains(text, "# Sources:") {
			t.Errorf("%s: %v: %s", name, err, text)
		}
	}
	out, _, err := execute(t, "sim", "--preset", "h100-roce", "--synthetic", "azure-code", "--duration", "5s", "--rate", "1")
	if err != nil || !strings.Contains(out, "expert-6") {
		t.Errorf("%v: %s", err, out)
	}
}

func TestSimNamesLineAndField(t *testing.T) {
	bad := filepath.Join(t.TempDir(), "bad")
	if err := os.WriteFile(bad, []byte("TIMESTAMP,ContextTokens,GeneratedTokens\nnow,1,2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{rack}, "either --trace or --synthetic"},
		{[]string{}, "want either CLUSTER.yaml or --preset"},
		{[]string{rack, "--preset", "cpu-10gbe"}, "want either CLUSTER.yaml or --preset"},
		{[]string{"--preset", "gpu"}, `preset "gpu" is not known, expected one of cpu-1000`},
		{[]string{"presets", "gpu"}, `preset "gpu" is not known`},
		{[]string{rack, "--trace", bad}, bad + `: line 2: TIMESTAMP: "now": want a time`},
		{[]string{rack, "--synthetic", "azure"}, `trace "azure": want one of`},
		{[]string{rack, "--synthetic", "azure-code", "--rate", "-1"}, "--rate: want 0 or more"},
		{[]string{bad, "--synthetic", "azure-code"}, bad},
		{[]string{filepath.Join(t.TempDir(), "none.yaml"), "--synthetic", "azure-code"}, "none.yaml"},
	} {
		if _, _, err := execute(t, append([]string{"sim"}, tt.args...)...); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%v: %v, want %q", tt.args, err, tt.want)
		}
	}
}
