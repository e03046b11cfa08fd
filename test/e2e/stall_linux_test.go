package e2e

import (
	"bufio"
	"fmt"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hachi-serve/hachi/internal/eventually"
	"github.com/hachi-serve/hachi/internal/local"
)

// TestStalledStreamBeats: while the only node with the experts is stopped, a stream
// has its header and heartbeats and no token; when the node goes on, so does the
// stream.
func TestStalledStreamBeats(t *testing.T) {
	cluster := hachi.Cluster(t, func(c *local.UpConfig) {
		c.Nodes, c.Serving.StreamHeartbeat = 1, 50*time.Millisecond
	})
	cluster.Signal(t, "expert-0", syscall.SIGSTOP)
	eventually.True(t, "the node is stopped", func() bool {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", cluster.Child("expert-0").PID()))
		return err == nil && strings.Contains(string(stat), ") T ")
	})
	body := `{"messages":[{"role":"user","content":"hi"}],"max_tokens":5,"stream":true}`
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, cluster.URL()+"/v1/chat/completions", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if kind := response.Header.Get("Content-Type"); response.StatusCode != 200 || kind != "text/event-stream" {
		t.Fatalf("%d %s", response.StatusCode, kind)
	}
	lines := bufio.NewScanner(response.Body)
	for beats := 0; beats < 3 && lines.Scan(); {
		switch line := lines.Text(); {
		case strings.HasPrefix(line, ":"):
			beats++
		case line != "":
			t.Fatalf("%q while the experts are stopped", line)
		}
	}
	cluster.Signal(t, "expert-0", syscall.SIGCONT)
	var last string
	for lines.Scan() {
		if line := lines.Text(); strings.HasPrefix(line, "data:") {
			last = line
		}
	}
	if lines.Err() != nil || last != "data: [DONE]" {
		t.Errorf("the stream ended with %q, %v", last, lines.Err())
	}
}
