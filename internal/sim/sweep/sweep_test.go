package sweep

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/internal/role"
)

const small = `clusters:
  - {name: box, preset: zen4-2cpu}
nodes: [1, 2]
users: [1, 4]
formats: [int8, bf16]
replicas: [2]
workload: {prompt: 8, answer: 16, join: 1s, warmUp: 2s, duration: 3s}
goal: 1
figures:
  - {name: one, kind: throughput, series: format, where: {load: "4"}}
  - {name: two, kind: step, panels: format, where: {nodes: "2"}}
  - {name: three, kind: efficiency, series: load, panels: format}
`

func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "sweep.yaml")
}

// everything is what a sweep writes.
func everything(t *testing.T, path string, atOnce int) (*Report, string) {
	t.Helper()
	f, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	r, err := f.Run(atOnce, nil)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	r.WriteText(&out)
	err = errors.Join(r.WriteCSV(&out), r.WriteAnswers(&out))
	for _, fig := range r.Figures() {
		err = errors.Join(err, r.WriteFigure(&out, fig))
	}
	if err != nil {
		t.Fatal(err)
	}
	return r, out.String()
}

// TestASweepGivesTheSameBytes, whatever the number of runs at once; more users have more
// throughput.
func TestASweepGivesTheSameBytes(t *testing.T) {
	path := write(t, map[string]string{"sweep.yaml": small})
	r, first := everything(t, path, 1)
	if _, again := everything(t, path, 3); again != first {
		t.Errorf("two sweeps differ:\n%s\n%s", first, again)
	}
	if len(r.Cells) != 8 {
		t.Fatalf("%d cells, want 8", len(r.Cells))
	}
	for i := 0; i < len(r.Cells); i += 2 {
		one, four := r.Cells[i], r.Cells[i+1]
		if one.Load != 1 || four.Load != 4 || !(four.Throughput > one.Throughput) || one.Throughput == 0 || one.Routers != 1 || one.Memory == 0 {
			t.Errorf("%+v\n%+v", one, four)
		}
		if sum := one.Steps.Attention + one.Steps.Wire + one.Steps.Experts + one.Steps.Wait + one.Steps.Head; sum < 0.95*one.Steps.Total || sum > 1.05*one.Steps.Total {
			t.Errorf("parts of a step of %v ms sum up to %v", one.Steps.Total, sum)
		}
	}
	for _, want := range []string{"box,,int8,,2,1,4,1,", "| box | int8 | 1 | 1 | 1 |", "<svg"} {
		if !strings.Contains(first, want) {
			t.Errorf("no %q in\n%s", want, first)
		}
	}
}

// TestAClusterWithoutRoomIsACell and no error.
func TestAClusterWithoutRoomIsACell(t *testing.T) {
	text := strings.Replace(small, "zen4-2cpu", "h100-roce", 1)
	text = strings.Replace(text, "users: [1, 4]", "users: [1]", 1)
	text = strings.Replace(text, `where: {load: "4"}`, `where: {}`, 1)
	r, out := everything(t, write(t, map[string]string{"sweep.yaml": text}), 2)
	if c := r.Cells[2]; c.Format != "bf16" || c.Nodes != 1 || c.Failed != "256 experts, room for 237" || r.Cells[3].Failed != "" {
		t.Errorf("%+v", r.Cells)
	}
	if !strings.Contains(out, "256 experts, room for 237") || !strings.Contains(out, "4 cells, 1 of them without room") {
		t.Error(out)
	}
}

// TestMeasuredCellsAreDrawn as crosses, but those of faults.
func TestMeasuredCellsAreDrawn(t *testing.T) {
	cell := `{"version": 1, "machine": {"cores": 2}, "setting": {"quantize": "int8", "nodes": 2, "replicas": 2, "batch": 4},
	"result": {"output_tokens_per_second": 12.5, "itl": {"p50_ms": 80, "p99_ms": 90}}, "rounds": [{"seconds": 2}]}`
	files := map[string]string{
		"sweep.yaml": strings.Replace(small, "preset: zen4-2cpu", "preset: zen4-2cpu, measured: 'cells/*.json'", 1),
	}
	path := write(t, files)
	dir := filepath.Join(filepath.Dir(path), "cells")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	put := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put("a.json", cell)
	put("b.json", strings.Replace(cell, `"batch": 4`, `"batch": 4, "fault": "kill"`, 1))
	r, out := everything(t, path, 2)
	if len(r.Measured) != 1 || r.Measured[0].Throughput != 12.5 || strings.Count(out, "h10m-5 -5v10") != 1 {
		t.Errorf("%+v: %s", r.Measured, out)
	}
	put("b.json", `{"version": 1, "setting": {}}`)
	f, err := Read(path)
	if err == nil {
		_, err = f.Run(1, nil)
	}
	if err == nil || !strings.Contains(err.Error(), "b.json: setting.nodes: 0: want") {
		t.Error(err)
	}
}

// TestATimelineMarksItsFaults.
func TestATimelineMarksItsFaults(t *testing.T) {
	cluster := `model: {preset: tiny}
machines:
  m: {cores: 2, memory: 8Gi, bandwidth: 10GB, load: 1GB, arithmetic: {bf16: 1e11}}
network: {latency: {p50: 20us}, bandwidth: 1GB}
routers: {machine: m}
nodes: [{name: n, count: 3, machine: m}]
faults: [{at: 3s, kill: n-1, for: 4s}]
`
	text := "clusters: [{name: c, file: c.yaml}]\nusers: [4]\nworkload: {prompt: 8, answer: 16, duration: 12s}\nfigures: [{name: t, kind: timeline}]\n"
	r, out := everything(t, write(t, map[string]string{"sweep.yaml": text, "c.yaml": cluster}), 1)
	if c := r.Cells[0]; len(c.PerSecond) < 12 || len(c.Faults) != 2 || c.Faults[1].Seconds != 7 {
		t.Errorf("%+v", c)
	}
	if !strings.Contains(out, ">kill n-1<") {
		t.Error(out)
	}
}

// TestFaultsOfASweepAreNamed with line and field, all at once.
func TestFaultsOfASweepAreNamed(t *testing.T) {
	tests := []struct {
		old, new string
		want     []string
	}{
		{"users: [1, 4]", "user: [1]", []string{`line 4: unknown field "user"`}},
		{"users: [1, 4]", "users: [1, 0]", []string{"line 4: users[1]: 0: want 1 to"}},
		{"users: [1, 4]", "users: [1]\nrates: [1]", []string{"line 4: users: want either users or rates"}},
		{"users: [1, 4]", "rates: [-1]", []string{"line 4: rates[0]: -1: want above 0", "synthetic"}},
		{"nodes: [1, 2]", "nodes: [1, 99999]", []string{"line 3: nodes[1]: 99999: want 1 to 16384"}},
		{"preset: zen4-2cpu", "preset: none", []string{`line 2: clusters[0]: preset "none" is not known`}},
		{"preset: zen4-2cpu", "file: none.yaml", []string{"line 2: clusters[0]: open "}},
		{"name: box, ", "", []string{`line 2: clusters[0].name: "": want a name`}},
		{"[int8, bf16]", "[int8, bf17]", []string{`line 5: formats[1]: `, `"bf17": want one of`}},
		{"duration: 3s", "duration: 0s", []string{"line 7: workload.duration: want a duration above 0"}},
		{"prompt: 8", "prompt: 0", []string{"line 7: workload.prompt: 0: want 1 to"}},
		{"kind: throughput", "kind: pie", []string{`line 10: figures[0].kind: "pie": want cost, distinct`}},
		{"series: format, where", "series: color, where", []string{`line 10: figures[0].series: "color": want cluster`}},
		{`where: {load: "4"}`, `where: {color: "4"}`, []string{`line 10: figures[0].where: "color": want`}},
		{"goal: 1", "goal: -1\nnodes: x", []string{"mapping key \"nodes\" already defined"}},
		{"goal: 1", "goal: -1", []string{"line 8: goal: -1: want at least 0"}},
	}
	for _, tt := range tests {
		if !strings.Contains(small, tt.old) {
			t.Fatalf("no %q", tt.old)
		}
		_, err := Read(write(t, map[string]string{"sweep.yaml": strings.Replace(small, tt.old, tt.new, 1)}))
		var config *role.ConfigError
		if !errors.As(err, &config) {
			t.Errorf("%q: %v is no ConfigError", tt.new, err)
			continue
		}
		for _, want := range tt.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%q: %v\nwant %q", tt.new, err, want)
			}
		}
	}
}

// TestTheStudyIsRemade: what make study writes for the smallest of its sweeps is what is
// committed, byte for byte, and every picture and table of docs/scaling.md is there.
func TestTheStudyIsRemade(t *testing.T) {
	const docs = "../../../docs"
	f, err := Read(docs + "/scaling/kill.yaml")
	if err != nil {
		t.Fatal(err)
	}
	r, err := f.Run(2, nil)
	if err != nil {
		t.Fatal(err)
	}
	same := func(path string, write func(*bytes.Buffer) error) {
		var got bytes.Buffer
		want, err := os.ReadFile(path)
		if err = errors.Join(err, write(&got)); err != nil || !bytes.Equal(got.Bytes(), want) {
			t.Errorf("%s differs (%v): run make study", path, err)
		}
	}
	same(docs+"/scaling/kill/cells.csv", func(b *bytes.Buffer) error { return r.WriteCSV(b) })
	same(docs+"/figures/scaling-kill.svg", func(b *bytes.Buffer) error { return r.WriteFigure(b, r.Figures()[0]) })
	text, err := os.ReadFile(docs + "/scaling.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, study := range []string{"karakuri", "knobs", "kill", "measured"} {
		f, err := Read(docs + "/scaling/" + study + ".yaml")
		if err != nil {
			t.Fatal(err)
		}
		raw, err := os.ReadFile(docs + "/scaling/" + study + "/cells.csv")
		if lines := bytes.Count(raw, []byte("\n")); err != nil || lines != 1+len(f.settings()) {
			t.Errorf("%s has %d lines (%v), want %d: run make study", study, lines, err, 1+len(f.settings()))
		}
		for _, fig := range f.Figures {
			if _, err := os.Stat(docs + "/figures/" + fig.Name + ".svg"); err != nil || !bytes.Contains(text, []byte("figures/"+fig.Name+".svg")) {
				t.Errorf("docs/scaling.md does not show %s (%v)", fig.Name, err)
			}
		}
	}
	answers, err := os.ReadFile(docs + "/scaling/karakuri/answers.md")
	if err != nil || !bytes.Contains(text, answers) {
		t.Errorf("docs/scaling.md does not have the table of karakuri/answers.md (%v)", err)
	}
}

// TestAnOpenDimensionIsAnError: a line can't have two values at one place.
func TestAnOpenDimensionIsAnError(t *testing.T) {
	f, err := Read(write(t, map[string]string{"sweep.yaml": small}))
	if err != nil {
		t.Fatal(err)
	}
	r, err := f.Run(2, nil)
	if err != nil {
		t.Fatal(err)
	}
	for want, fig := range map[string]Figure{
		"load has the values 1 and 4":          {Name: "x", Kind: "throughput", Series: "format"},
		"format has the values int8 and bf16":  {Name: "x", Kind: "step", Where: map[string]string{"nodes": "2"}},
		"no cell matches":                      {Name: "x", Kind: "cost", Where: map[string]string{"nodes": "3"}},
		"a timeline is of one cell with fault": {Name: "x", Kind: "timeline"},
	} {
		if err := r.WriteFigure(new(bytes.Buffer), fig); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
