package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/internal/sizing"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

const machinesFile = `nodes:
  - name: big
    count: 2
    memory: 64Gi
    bandwidth: 40GB
    zone: a
  - name: small
    memory: 32Gi
    bandwidth: 20GB
`

func TestPlanWithoutAClusterSaysWhetherMachinesSuffice(t *testing.T) {
	file := filepath.Join(t.TempDir(), "machines.yaml")
	if err := os.WriteFile(file, []byte(machinesFile), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		want []string
	}{
		{[]string{"--model", "8x7b", "--nodes", file}, []string{"8x7b on 3 nodes, balanced placement: yes", "25 of 512 replicas have no place", "big-1", "TOKENS/S AT MOST"}},
		{[]string{"--model", "8x7b", "--node", "name=n,memory=64Gi"}, []string{": no", "61 of 256 experts have no place", "speed: unknown"}},
		{[]string{"--model", tinyDir, "--node", "name=n,memory=1Gi", "--replicas", "1"}, []string{": yes"}},
		{[]string{"--model", "8x7b", "--quantize", "int4", "--node", "name=n,memory=64Gi", "--replicas", "1"}, []string{": yes"}},
	} {
		out, _, err := execute(t, append([]string{"plan"}, c.args...)...)
		if err != nil {
			t.Fatalf("%v: %v", c.args, err)
		}
		for _, want := range c.want {
			if !strings.Contains(out, want) {
				t.Errorf("%v lacks %q:\n%s", c.args, want, out)
			}
		}
	}
	out, _, err := execute(t, "plan", "--model", "8x7b", "--nodes", file, "--json")
	var report sizing.Report
	if err := json.Unmarshal([]byte(out), &report); err != nil || len(report.Nodes) != 3 || !report.Fits || len(report.Speeds) != 3 {
		t.Errorf("%v: %s", err, out)
	}
	if err != nil {
		t.Error(err)
	}
}

func TestPlanNamesEveryFault(t *testing.T) {
	file := filepath.Join(t.TempDir(), "machines.yaml")
	if err := os.WriteFile(file, []byte("nodes:\n  - name: a\n    memori: 1Gi\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		want []string
	}{
		{[]string{"--model", "8x7b"}, []string{"needs --model, and --nodes or --node"}},
		{[]string{"--model", "8x7b", "--nodes", file}, []string{"memori"}},
		{[]string{"--model", "8x7b", "--node", "name=a", "--node", "memory=1Gi", "--node", "name=b,count=9999,memory=1Gi", "--placement", "spiral", "--batch", "0"},
			[]string{"memory is missing", "name is missing", "count is 9999", "spiral", "--batch"}},
		{[]string{"--model", "8x7b", "--node", "name=a,memory=1Gi", "--node", "name=a,memory=1Gi"}, []string{`"a" is there twice`}},
		{[]string{"--model", "nowhere", "--node", "name=a,memory=1Gi"}, []string{"--model nowhere"}},
		{[]string{"--model", "8x7b", "--node", "name=a,memory=1Gi", "--rebalance"}, []string{"for a cluster that runs"}},
		{[]string{"--model", "8x7b", "--node", "name=a,memory=1Gi,rows=NaN", "--node", "name=b,memory=1Gi,rows=-Inf", "--node", "name=c,memory=1Gi,rows=+Inf"},
			[]string{`node 0 "a": bandwidth and rows`, `node 1 "b": bandwidth and rows`, `node 2 "c": bandwidth and rows`}},
		{[]string{"--model", "8x7b", "--node", "name=a,speed=1"}, []string{"want name, count, memory"}},
	} {
		text, _, err := execute(t, append([]string{"plan"}, c.args...)...)
		if err == nil {
			t.Fatalf("%v is accepted", c.args)
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error()+text, want) {
				t.Errorf("%v lacks %q: %v %s", c.args, want, err, text)
			}
		}
	}
}

func TestADryRunIsPrinted(t *testing.T) {
	r := &hachiv1.PlanPlacementResponse{
		Policy: "balanced", Replicas: 2, Notes: []string{"something is missing"},
		Before: &hachiv1.PlanScore{Imbalance: 1.5, StepSeconds: 0.02}, After: &hachiv1.PlanScore{Imbalance: 1.25},
		Nodes: []*hachiv1.PlannedNode{
			{NodeId: "n0", ExpertsBefore: 4, ExpertsAfter: 2, Bytes: 2 << 20, CapacityBytes: 8 << 20},
			{NodeId: "n1", ExpertsAfter: 2, Bytes: 2 << 20, LoadBytes: 2 << 20, LoadSeconds: 0.5, Zone: "a"},
		},
		Moves: []*hachiv1.PlannedMove{
			{Layer: 1, Expert: 2, From: "n0", To: "n1", Why: "n0 leaves"}, {Layer: 1, Expert: 3, From: "n0", To: "n1", Why: "n0 leaves"},
		},
	}
	var brief, whole strings.Builder
	if err := printPlan(&brief, describePlan(r), false); err != nil {
		t.Fatal(err)
	}
	if err := printPlan(&whole, describePlan(r), true); err != nil {
		t.Fatal(err)
	}
	const want = `balanced placement, 2 replicas: 2 changes, 2.0 MiB to load, 0.5 s
note: something is missing
busiest node of a layer: 1.50 times the average now, 1.25 after
experts of a step: 0.02 s now, unknown after

NODE  ZONE  EXPERTS  AFTER  MIB      LOADS MIB  SECONDS
n0          4        2      2.0/8.0  0.0        unknown
n1    a     0        2      2.0      2.0        0.5 s

EXPERTS  FROM  TO  WHY
2        n0    n1  n0 leaves
`
	if brief.String() != want {
		t.Errorf("%s\nwant\n%s", brief.String(), want)
	}
	if !strings.Contains(whole.String(), "L1/E3") {
		t.Errorf("not every move is listed:\n%s", whole.String())
	}
}
