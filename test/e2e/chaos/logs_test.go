package chaos

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestLogsAreMergedByTime(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"logs/router-0.log": "time=2026-11-27T15:21:52.769Z level=WARN msg=second\nno time\ntime=2026-11-27T15:21:54.000Z level=WARN msg=fourth\n",
		"etcd-0/etcd.log":   `{"level":"warn","ts":"2026-11-27T15:21:51.394828Z","msg":"first"}` + "\n",
		"notes":             "time=2026-11-27T15:21:52.769Z level=WARN msg=never\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	logs, err := readLogs(dir)
	if err != nil {
		t.Fatal(err)
	}
	timeline := &Timeline{Log: t.Logf}
	timeline.lines = []line{{time.Date(2026, 11, 27, 15, 21, 53, 0, time.UTC), "third"}}
	want := "15:21:51.394  etcd-0         ,\"msg\":\"first\"}\n" +
		"15:21:52.769  router-0        level=WARN msg=second\n" +
		"15:21:53.000  third\n" +
		"15:21:54.000  router-0        level=WARN msg=fourth\n"
	if got := merged(timeline.Lines(), logs); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestWhatALeakLeavesIsMoreThanAllowed(t *testing.T) {
	before := use{descriptors: 20, goroutines: 60, bytes: 60 << 20}
	if what := before.exceeds(before.allowed()); what != "" {
		t.Error(what)
	}
	for _, u := range []use{{51, 60, 60 << 20}, {20, 121, 60 << 20}, {20, 60, 300 << 20}} {
		if u.exceeds(before.allowed()) == "" {
			t.Errorf("%+v is allowed after %+v", u, before)
		}
	}
}

func TestAGateExcusesWhatItsFaultCut(t *testing.T) {
	g := &gate{}
	began := time.Now()
	if g.excuses(began) {
		t.Error("no fault, and excused")
	}
	g.set(true)
	if !g.excuses(began) {
		t.Error("a fault, and not excused")
	}
	g.set(false)
	if !g.excuses(began) || g.excuses(time.Now().Add(time.Second)) {
		t.Error("a fault excuses the requests before its end, and no others")
	}
}
