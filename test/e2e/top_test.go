package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/internal/eventually"
	"github.com/hachi-serve/hachi/internal/local"
	"github.com/hachi-serve/hachi/test/e2e/internal/harness"
)

// tmux runs tmux with a server of the test's own.
func tmux(t *testing.T, socket string, args ...string) string {
	t.Helper()
	out, err := exec.Command("tmux", append([]string{"-u", "-L", socket, "-f", "/dev/null"}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("tmux %v: %v\n%s", args, err, out)
	}
	return string(out)
}

// TestTopOnATerminal: every page by its key, in a small and in a large terminal. Without
// tmux the test is skipped, unless HACHI_TMUX says that there is one.
func TestTopOnATerminal(t *testing.T) {
	harness.Slow(t)
	if _, err := exec.LookPath("tmux"); err != nil && os.Getenv("HACHI_TMUX") == "" {
		t.Skip("no tmux")
	}
	var dir string
	hachi.Cluster(t, func(c *local.UpConfig) { dir = c.DataDir })
	for _, size := range []struct{ width, height int }{{80, 24}, {200, 60}} {
		socket := fmt.Sprintf("hachi-%d-%d", os.Getpid(), size.width)
		tmux(t, socket, "new-session", "-d", "-x", fmt.Sprint(size.width), "-y", fmt.Sprint(size.height),
			fmt.Sprintf("%s top --data-dir %s --interval 200ms", hachi.Binary, dir))
		screen := func() string { return tmux(t, socket, "capture-pane", "-p") }
		shows := func(what string, texts ...string) {
			t.Helper()
			eventually.True(t, what, func() bool {
				now := screen()
				for _, text := range append(texts, "1-4 or ←→ page") {
					if !strings.Contains(now, text) {
						return false
					}
				}
				return true
			})
		}
		shows("overview", "[1 overview]", "serves", "registered")
		tmux(t, socket, "send-keys", "2")
		shows("experts", "[2 experts]", "x no replica", "L0")
		tmux(t, socket, "send-keys", "Right")
		shows("nodes", "[3 nodes]", "expert-2", "serving")
		tmux(t, socket, "send-keys", "Right")
		shows("requests", "[4 requests]", "router-0")
		if lines := strings.Split(strings.TrimRight(screen(), "\n"), "\n"); len(lines) != size.height || !strings.HasPrefix(lines[size.height-1], "1-4 or") {
			t.Errorf("%dx%d: %d lines, the last %q", size.width, size.height, len(lines), lines[len(lines)-1])
		}
		tmux(t, socket, "send-keys", "q")
		eventually.True(t, "q ends it", func() bool { // and with it tmux's server
			return exec.Command("tmux", "-L", socket, "has-session").Run() != nil
		})
	}
}
