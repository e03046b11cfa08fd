package local

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// shell starts a shell as a child and collects its events.
func shell(t *testing.T, script string, restart bool) (*Child, <-chan ChildEvent) {
	t.Helper()
	life, end, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { life.Close(); end.Close() })
	events := make(chan ChildEvent, 100)
	cmd := command{name: "role-0", bin: "/bin/sh", args: []string{"-c", script}, log: filepath.Join(t.TempDir(), "log"), life: life}
	c, err := startChild(cmd, restart, func(e ChildEvent) { events <- e })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		c.Stop(ctx)
	})
	return c, events
}

func event(t *testing.T, events <-chan ChildEvent) ChildEvent {
	t.Helper()
	select {
	case e := <-events:
		return e
	case <-time.After(30 * time.Second):
		t.Fatal("the child says nothing")
		return ChildEvent{}
	}
}

func TestDeadChildIsRestarted(t *testing.T) {
	_, events := shell(t, "echo the disk is on fire; exit 1", true)
	for i := range 3 {
		e := event(t, events)
		if e.InARow != i+1 {
			t.Errorf("process %d of those that end at once is number %d", i+1, e.InARow)
		}
		if e.Fatal || e.ConfigError || e.Err == nil || !strings.Contains(e.Err.Error(), "the disk is on fire") {
			t.Errorf("event %+v, want the last words of a child that will be started again", e)
		}
	}
}

func TestChildThatCannotRunIsNotRestarted(t *testing.T) {
	for _, tt := range []struct {
		script    string
		restart   bool
		permanent bool
	}{{"exit 78", true, true}, {"exit 1", false, false}, {"exit 78", false, true}} {
		c, events := shell(t, tt.script, tt.restart)
		if e := event(t, events); !e.Fatal || e.ConfigError != tt.permanent {
			t.Errorf("%s with restart %v: %+v", tt.script, tt.restart, e)
		}
		<-c.done
	}
}

func TestStopEndsChildInAnyState(t *testing.T) {
	for name, script := range map[string]string{
		"running":         "exec sleep 1000",
		"waiting":         "exit 1",
		"deaf to signals": `trap "" TERM; while true; do sleep 0.05; done`,
	} {
		t.Run(name, func(t *testing.T) {
			c, events := shell(t, script, true)
			if name == "waiting" {
				event(t, events)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			c.Stop(ctx)
			c.Stop(ctx)
		})
	}
}

func TestChildWhoseLogCannotBeWrittenIsRetried(t *testing.T) {
	c, events := shell(t, "exit 1", true)
	event(t, events)
	if err := os.Remove(c.cmd.log); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(c.cmd.log, 0o755); err != nil {
		t.Fatal(err)
	}
	for e := event(t, events); !strings.Contains(e.Err.Error(), "is a directory"); e = event(t, events) {
		if e.Fatal {
			t.Fatalf("given up: %v", e.Err)
		}
	}
	if err := os.Remove(c.cmd.log); err != nil {
		t.Fatal(err)
	}
	for e := event(t, events); strings.Contains(e.Err.Error(), "is a directory"); e = event(t, events) {
		if e.Fatal {
			t.Fatalf("given up: %v", e.Err)
		}
	}
}
