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

// stalled are streams of every API, the line of their heartbeats, and the last.
var stalled = map[string]struct{ body, beat, last string }{
	"/v1/chat/completions": {`{"messages":[{"role":"user","content":"hi"}],"max_tokens":5,"stream":true}`, ": waiting", "data: [DONE]"},
	"/v1/completions":      {`{"prompt":"hi","max_tokens":5,"stream":true}`, ": waiting", "data: [DONE]"},
	"/v1/responses":        {`{"input":"hi","max_output_tokens":5,"stream":true}`, ": waiting", `data: {"type":"response.`},
	"/v1/messages":         {`{"messages":[{"role":"user","content":"hi"}],"max_tokens":5,"stream":true}`, "event: ping", `data: {"type":"message_stop"}`},
}

// TestStalledStreamBeats: while the only node with the experts is stopped, a stream
// has its header and heartbeats and no token; when the node goes on, so does the
// stream.
func TestStalledStreamBeats(t *testing.T) {
	t.Parallel()
	cluster := hachi.Cluster(t, func(c *local.UpConfig) {
		c.Nodes, c.Serving.StreamHeartbeat = 1, 50*time.Millisecond
	})
	cluster.Signal(t, "expert-0", syscall.SIGSTOP)
	eventually.True(t, "the node is stopped", func() bool {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", cluster.Child("expert-0").PID()))
		return err == nil && strings.Contains(string(stat), ") T ")
	})
	streams := map[string]*bufio.Scanner{}
	for path, api := range stalled {
		streams[path] = begin(t, cluster.URL()+path, api.body)
		for beats := 0; beats < 3 && streams[path].Scan(); {
			switch line := streams[path].Text(); {
			case line == api.beat:
				beats++
			case strings.Contains(line, "delta"):
				t.Fatalf("%s: %q while the experts are stopped", path, line)
			}
		}
	}
	cluster.Signal(t, "expert-0", syscall.SIGCONT)
	for path, lines := range streams {
		var last string
		for lines.Scan() {
			if line := lines.Text(); strings.HasPrefix(line, "data:") {
				last = line
			}
		}
		if lines.Err() != nil || !strings.HasPrefix(last, stalled[path].last) {
			t.Errorf("%s: the stream ended with %q, %v", path, last, lines.Err())
		}
	}
}

// begin sends a request and returns the lines of its stream, after the header.
func begin(t *testing.T, url, body string) *bufio.Scanner {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { response.Body.Close() })
	if kind := response.Header.Get("Content-Type"); response.StatusCode != 200 || kind != "text/event-stream" {
		t.Fatalf("%s: %d %s", url, response.StatusCode, kind)
	}
	return bufio.NewScanner(response.Body)
}
