package cell

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestSettingsThatDifferHaveFilesOfTheirOwn(t *testing.T) {
	base := Setting{Model: "m", Nodes: 2, Replicas: 1, Batch: 4}
	seen := map[string]int{base.Name(): 0}
	for i, change := range []func(*Setting){
		func(s *Setting) { s.Model = "n" }, func(s *Setting) { s.Quantize = "int8" }, func(s *Setting) { s.Nodes = 3 }, func(s *Setting) { s.Replicas = 2 },
		func(s *Setting) { s.Threads = 1 }, func(s *Setting) { s.Batch = 5 }, func(s *Setting) { s.MicroBatches = 2 }, func(s *Setting) { s.DelayMS = 1 },
		func(s *Setting) { s.Loss = 0.1 }, func(s *Setting) { s.Fault = "kill" },
	} {
		s := base
		change(&s)
		if j, ok := seen[s.Name()]; ok {
			t.Errorf("changes %d and %d have the name %s", i+1, j, s.Name())
		}
		seen[s.Name()] = i + 1
	}
}

func TestCellsAreReadAsTheyWereWritten(t *testing.T) {
	dir := t.TempDir()
	want := Cell{
		Version: Version, Setting: Setting{Model: "m", Nodes: 2, Replicas: 1, Batch: 4}, Config: json.RawMessage(`{}`), Machine: Machine{Cores: 2},
		Rounds: []Round{{Throughput: 3, Stalls: []float64{1, 5}}, {Throughput: 9}, {Throughput: 5}},
	}
	want.SumUp()
	if want.Result.Throughput != 5 || want.Result.Stall.Max != 5 {
		t.Errorf("%+v", want.Result)
	}
	if done, err := want.Setting.Measured(dir); done || err != nil {
		t.Fatalf("measured %v before it was: %v", done, err)
	}
	if err := want.Write(dir); err != nil {
		t.Fatal(err)
	}
	if done, err := want.Setting.Measured(dir); !done || err != nil {
		t.Fatalf("measured %v after it was: %v", done, err)
	}
	cells, err := Read(dir)
	if err != nil || len(cells) != 1 || !reflect.DeepEqual(cells[0].Result, want.Result) || !reflect.DeepEqual(cells[0].Setting, want.Setting) {
		t.Errorf("%+v, %v", cells, err)
	}
	for text, why := range map[string]string{
		`{"version": 1, "wishes": 3}`: "wishes", `{"version": 7}`: "version 7", `{`: "EOF",
		`{"version": 1, "setting": {"nodes": "2"}}`: "setting.nodes",
		`{"version": 1, "setting": {"batch": 2}}`:   "cell.json: setting.nodes: 0: want more than 0\nsetting.replicas: 0",
	} {
		path := filepath.Join(t.TempDir(), "cell.json")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadFile(path); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %v, want %q", text, err, why)
		}
	}
}
