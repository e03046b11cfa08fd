package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hachi-serve/hachi/internal/local"
)

func TestTwoClustersSideBySideAndOneDataDir(t *testing.T) {
	first := startCluster(t, func(c *local.UpConfig) { c.Nodes = 1 })
	var dir string
	second := startCluster(t, func(c *local.UpConfig) { c.Nodes, dir = 1, c.DataDir })
	a, b := mustCompleteAll(t, first.URL(), 4), mustCompleteAll(t, second.URL(), 4)
	compareAnswers(t, "the other cluster", b, a)
	cfg := local.DefaultUp()
	cfg.Model, cfg.DataDir, cfg.Listen, cfg.Binary = tinyDir, dir, freeAddress(t), os.Args[0]
	if _, err := local.Up(t.Context(), cfg); !errors.Is(err, local.ErrLocked) {
		t.Errorf("a second cluster on one data directory: %v", err)
	}
}

func TestKilledParentLeavesNoProcess(t *testing.T) {
	dir, listen := t.TempDir(), freeAddress(t)
	cmd := exec.Command(os.Args[0], "up", "--model", tinyDir, "--nodes", "2", "--listen", listen, "--data-dir", dir)
	cmd.Env = append(os.Environ(), runEnv+"=1")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the cluster serves", func() bool { return serves("http://" + listen) })
	if n := len(processesWith(t, dir, listen)); n == 0 {
		t.Fatal("no child was found: the test proves nothing")
	}
	if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
	eventually(t, "no process is left", func() bool { return len(processesWith(t, dir, listen)) == 0 })
}

func serves(url string) bool {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	_, err := complete(ctx, url, "a", 0, 1)
	return err == nil
}

// processesWith lists the processes of a cluster: those whose arguments name
// its listener, or its log files.
func processesWith(t *testing.T, marks ...string) []string {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil || len(all) == 0 {
		t.Skip("this system has no /proc to look for processes in")
	}
	var out []string
	for _, path := range all {
		raw, err := os.ReadFile(path)
		if err != nil {
			continue // it ended meanwhile
		}
		line := strings.ReplaceAll(string(raw), "\x00", " ")
		logs, _ := os.Readlink(filepath.Join(filepath.Dir(path), "fd", "1"))
		for _, mark := range marks {
			if strings.Contains(line, mark) || strings.Contains(logs, mark) {
				out = append(out, line)
				break
			}
		}
	}
	return out
}

// TestNothingIsLoggedWhenNothingIsWrong: a cluster that serves, and is stopped,
// has nothing to say.
func TestNothingIsLoggedWhenNothingIsWrong(t *testing.T) {
	const ttl = 3 * shortTTL
	var dir string
	cluster := startCluster(t, func(c *local.UpConfig) { c.TTL, dir = ttl, c.DataDir })
	mustCompleteAll(t, cluster.URL(), 4)
	time.Sleep(ttl) // every role renews its lease several times
	mustCompleteAll(t, cluster.URL(), 4)
	cluster.Close(t.Context())
	logs, err := filepath.Glob(filepath.Join(dir, "logs", "*.log"))
	if err != nil || len(logs) < 5 {
		t.Fatalf("logs %v: %v", logs, err)
	}
	for _, path := range logs {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if len(text) > 0 {
			t.Errorf("%s:\n%s", filepath.Base(path), text)
		}
	}
}
