package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/hachi-serve/hachi/internal/local"
)

// hostileText is what a server says to whom it wants to fool.
const hostileText = "full\u001b]0;title\u0007\u001b[2J\u202e\u009b31m\nhachi: all is well\r"

// hostileServer answers with hostileText: as an error, as an error after a piece of an
// answer, or, to "say", as the answer.
func hostileServer(t *testing.T) (host string) {
	t.Helper()
	quoted := fmt.Sprintf("%q", hostileText) // without bytes above U+FFFF it is JSON too
	quoted = strings.NewReplacer(`\a`, `\u0007`, `\x1b`, `\u001b`).Replace(quoted)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /readyz", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("POST /v1/chat/completions", func(w http.ResponseWriter, r *http.Request) {
		raw := make([]byte, 4096)
		n, _ := r.Body.Read(raw)
		switch body := string(raw[:n]); {
		case strings.Contains(body, "whole"):
			w.WriteHeader(http.StatusTooManyRequests)
			fmt.Fprintf(w, `{"error":{"message":%s}}`, quoted)
		case strings.Contains(body, "middle"):
			fmt.Fprintf(w, "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\ndata: {\"error\":{\"message\":%s}}\n\n", quoted)
		default:
			fmt.Fprintf(w, "data: {\"choices\":[{\"delta\":{\"content\":%s}}]}\n\ndata: [DONE]\n\n", quoted)
		}
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

// TestWhatAServerSaysIsEscapedWhereverItIsPrinted: answers, errors, errors in the middle
// of an answer, and the report of a benchmark. No line of theirs looks like one of
// hachi's.
func TestWhatAServerSaysIsEscapedWhereverItIsPrinted(t *testing.T) {
	host := hostileServer(t)
	for _, message := range []string{"say", "whole", "middle"} {
		_, stdout, stderr := piped(t, "", message, "--url", host)
		checkPrinted(t, message, stdout)
		checkPrinted(t, message, stderr)
		if !strings.Contains(stdout+stderr, `full\u001b]0;title`) {
			t.Errorf("%s: what the server said is not there: %q, %q", message, stdout, stderr)
		}
		if n := strings.Count("\n"+stderr, "\nhachi: "); n > 1 {
			t.Errorf("%s: %d lines look like faults of hachi: %q", message, n, stderr)
		}
	}
}

// checkPrinted finds what a terminal would act upon.
func checkPrinted(t *testing.T, what, text string) {
	t.Helper()
	for _, r := range text {
		if unicode.IsControl(r) && r != '\n' && r != '\t' || unicode.Is(unicode.Bidi_Control, r) {
			t.Errorf("%s: %q is printed: %q", what, r, text)
			return
		}
	}
}

// TestEveryDeathIsPrintedEscaped: the last words of a process, which may quote a peer.
func TestEveryDeathIsPrintedEscaped(t *testing.T) {
	var out strings.Builder
	p := &progress{out: &out}
	p.child(local.ChildEvent{Name: "router-0", Err: fmt.Errorf("router-0 ended: %s", hostileText)})
	checkPrinted(t, "the end of a child", out.String())
	if strings.Contains(out.String(), "\nhachi:") {
		t.Errorf("a line looks like one of hachi's: %q", out.String())
	}
}

// TestCommandsWriteThroughTheirOutputs, which escape: only main knows the streams of the
// process, and the log, which quotes.
func TestCommandsWriteThroughTheirOutputs(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) < 20 {
		t.Fatal(len(files), err)
	}
	around := regexp.MustCompile(`os\.Std(out|err)\b|\bfmt\.Print|\bprintln\(`)
	for _, name := range files {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range strings.Split(string(raw), "\n") {
			if around.MatchString(line) && name != "main.go" && !strings.HasSuffix(name, "_test.go") && !strings.Contains(line, "slog.NewTextHandler(os.Stderr") {
				t.Errorf("%s: %s", name, strings.TrimSpace(line))
			}
		}
	}
}
