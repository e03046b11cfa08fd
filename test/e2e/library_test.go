package e2e

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	embed "github.com/hachi-serve/hachi"
	"github.com/hachi-serve/hachi/client"
	"github.com/hachi-serve/hachi/internal/eventually"
	"github.com/hachi-serve/hachi/internal/local"
	"github.com/hachi-serve/hachi/test/e2e/internal/harness"
)

// libraryConfig is a cluster of child processes of the program under test.
func libraryConfig(t *testing.T) embed.Config {
	cfg := embed.DefaultConfig()
	cfg.Model, cfg.KVCacheBytes, cfg.Binary = hachi.Model, 64<<20, hachi.Binary
	t.Setenv("TMPDIR", t.TempDir()) // the mark of the processes
	return cfg
}

// left reports processes, files and goroutines of a cluster that are left.
func left(t *testing.T, before goleak.Option) {
	t.Helper()
	if processes := harness.ProcessesWith(t, os.TempDir()); len(processes) > 0 {
		t.Errorf("processes are left: %v", processes)
	}
	if files, err := os.ReadDir(os.TempDir()); err != nil || len(files) > 0 {
		t.Errorf("files are left: %v, %v", files, err)
	}
	if err := goleak.Find(before); err != nil {
		t.Errorf("goroutines are left: %v", err)
	}
}

func chatOf(t *testing.T, c *embed.Cluster) []client.Choice {
	t.Helper()
	answer, err := c.Client().Chat(t.Context(), client.ChatRequest{
		Messages: []client.Message{{Role: "user", Content: "hello"}}, Params: client.Params{MaxTokens: 16, IgnoreEOS: true, Logprobs: new(5)},
	})
	if err != nil {
		t.Fatal(err)
	}
	return answer.Choices
}

// TestStartRunsProcesses: hachi.Start with Config.Binary answers as in one
// process, survives the kill of a node, drains, and leaves nothing.
func TestStartRunsProcesses(t *testing.T) {
	harness.Slow(t)
	var want []client.Choice
	t.Run("in this process", func(t *testing.T) { want = chatOf(t, embedded(t)) })
	before := goleak.IgnoreCurrent()
	cfg := libraryConfig(t)
	cfg.Replicas = 2
	c, err := embed.Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	closed := false
	t.Cleanup(func() {
		if !closed {
			_ = c.Close()
		}
	})
	check := func(what string) {
		t.Helper()
		if got := chatOf(t, c); !reflect.DeepEqual(got, want) {
			t.Errorf("%s the answer is %+v, want %+v", what, got, want)
		}
	}
	check("of processes")
	if n := len(harness.ProcessesWith(t, os.TempDir())); n < 6 {
		t.Errorf("%d processes run, want hachi up and 5 roles", n)
	}
	if err := c.Drain(t.Context(), "expert-2"); err != nil {
		t.Error(err)
	}
	check("after a drain")
	if err := c.Kill("expert-2"); err != nil {
		t.Error(err)
	}
	if err := c.Kill("expert-1"); err != nil {
		t.Error(err)
	}
	check("after a kill")
	eventually.True(t, "the killed process is gone", func() bool {
		return len(harness.ProcessesWith(t, "expert-1.yaml")) == 0
	})
	if nodes := c.Nodes(); !reflect.DeepEqual(nodes, []string{"expert-0"}) {
		t.Errorf("nodes %v", nodes)
	}
	if err := c.Kill("expert-1"); err == nil {
		t.Error("a dead node can be killed")
	}
	if status, err := c.Status(t.Context()); err != nil || status.Leader != "coordinator-0" {
		t.Errorf("status %+v, %v", status, err)
	}
	closed = true
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	left(t, before)
}

// TestStartOfProcessesFails: what the program says is in the error, and nothing
// stays.
func TestStartOfProcessesFails(t *testing.T) {
	before := goleak.IgnoreCurrent()
	script := filepath.Join(t.TempDir(), "fails")
	if err := os.WriteFile(script, []byte("#!/bin/sh\necho the reason >&2\nexit 3\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ binary, want string }{
		"no such file": {filepath.Join(t.TempDir(), "hachi"), "Binary is "},
		"it fails":     {script, "exit status 3\nthe reason"},
		"it ends":      {"true", "ended by itself"},
	} {
		cfg := libraryConfig(t)
		cfg.Binary = c.binary
		if _, err := embed.Start(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
		left(t, before)
	}
}

// TestStartOfProcessesIsBoundedByItsContext: the context ends as soon as the
// children run.
func TestStartOfProcessesIsBoundedByItsContext(t *testing.T) {
	harness.Slow(t)
	before := goleak.IgnoreCurrent()
	cfg := libraryConfig(t)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		defer cancel()
		for ctx.Err() == nil {
			if files, _ := filepath.Glob(filepath.Join(os.TempDir(), "hachi-*", "cluster.json")); len(files) > 0 {
				return
			}
			time.Sleep(time.Millisecond)
		}
	}()
	if c, err := embed.Start(ctx, cfg); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
		if err == nil {
			_ = c.Close()
		}
	}
	left(t, before)
}

// TestStartReportsARoleThatCannotRun: the reason is in the log of a child, which
// Start removes.
func TestStartReportsARoleThatCannotRun(t *testing.T) {
	harness.Slow(t)
	before := goleak.IgnoreCurrent()
	cfg := libraryConfig(t)
	cfg.Model = t.TempDir()
	if err := os.CopyFS(cfg.Model, os.DirFS(hachi.Model)); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(cfg.Model, "tokenizer.model")); err != nil {
		t.Fatal(err)
	}
	if _, err := embed.Start(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "tokenizer.model") {
		t.Errorf("error %v", err)
	}
	left(t, before)
}

// TestDeadUpIsReported: Close reports that `hachi up` ended before, and the
// roles end with it.
func TestDeadUpIsReported(t *testing.T) {
	harness.Slow(t)
	cfg := libraryConfig(t)
	cfg.Nodes = 1
	c, err := embed.Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	up := killUp(t)
	eventually.True(t, "the end of hachi up is noticed", func() bool { return errors.Is(syscall.Kill(up, 0), syscall.ESRCH) })
	eventually.True(t, "no process is left", func() bool { return len(harness.ProcessesWith(t, os.TempDir())) == 0 })
	if err := c.Close(); err == nil || !strings.Contains(err.Error(), "signal: killed") {
		t.Errorf("error %v", err)
	}
}

// killUp kills `hachi up` and returns its process id.
func killUp(t *testing.T) int {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(os.TempDir(), "hachi-*", "cluster.json"))
	if err != nil || len(files) != 1 {
		t.Fatalf("run files %v, %v", files, err)
	}
	run, err := local.ReadRunFile(filepath.Dir(files[0]))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(run.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	return run.PID
}
