package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/hachi-serve/hachi/client"
	"github.com/hachi-serve/hachi/internal/printable"
	"github.com/hachi-serve/hachi/internal/role"
)

// fakeRouter answers every chat with the number of the request and what the user
// said, in two pieces. What begins with "hold" is held after the first piece until
// the client goes; what begins with "fail" is refused.
type fakeRouter struct {
	*httptest.Server
	released chan struct{} // one value for each client that went

	mu       sync.Mutex // guards requests
	requests []chatRequest
}

type chatRequest struct {
	Messages   []client.Message `json:"messages"`
	Attributes map[string]int   `json:"attributes"`
}

func newFakeRouter(t *testing.T) *fakeRouter {
	t.Helper()
	r := &fakeRouter{released: make(chan struct{}, 10)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /readyz", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("POST /v1/chat/completions", r.chat)
	r.Server = httptest.NewServer(mux)
	t.Cleanup(r.Close)
	return r
}

func (r *fakeRouter) chat(w http.ResponseWriter, req *http.Request) {
	var body chatRequest
	if err := json.NewDecoder(req.Body).Decode(&body); err != nil || len(body.Messages) == 0 {
		http.Error(w, "no chat", http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	r.requests = append(r.requests, body)
	n := len(r.requests)
	r.mu.Unlock()
	said := body.Messages[len(body.Messages)-1].Content
	if strings.HasPrefix(said, "key") && req.Header.Get("Authorization") != "Bearer KEY" {
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, `{"error":{"message":"no key"}}`)
		return
	}
	if strings.HasPrefix(said, "fail") {
		w.WriteHeader(http.StatusTooManyRequests)
		fmt.Fprint(w, `{"error":{"message":"the queue is full"}}`)
		return
	}
	piece := func(text string) {
		raw, _ := json.Marshal(map[string]any{"choices": []any{map[string]any{"delta": map[string]string{"content": text}}}})
		fmt.Fprintf(w, "data: %s\n\n", raw)
		w.(http.Flusher).Flush()
	}
	piece(fmt.Sprintf("answer %d: ", n))
	if strings.HasPrefix(said, "hold") {
		<-req.Context().Done()
		r.released <- struct{}{}
		return
	}
	piece(said)
	fmt.Fprint(w, "data: [DONE]\n\n")
}

// request is one of the requests, the last with -1.
func (r *fakeRouter) request(t *testing.T, i int) chatRequest {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if i < 0 {
		i += len(r.requests)
	}
	if i < 0 || i >= len(r.requests) {
		t.Fatalf("request %d of %d", i, len(r.requests))
	}
	return r.requests[i]
}

// chatProcess is `hachi chat` as a process.
func chatProcess(t *testing.T, cache string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], append([]string{"chat"}, args...)...)
	cmd.Env = append(os.Environ(), runEnv+"=1", "XDG_CACHE_HOME="+cache)
	return cmd
}

// piped runs `hachi chat` without a terminal.
func piped(t *testing.T, input string, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	cmd := chatProcess(t, t.TempDir(), args...)
	var out, problems strings.Builder
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(input), &out, &problems
	_ = cmd.Run() // the status says it
	return cmd.ProcessState.ExitCode(), out.String(), problems.String()
}

func TestAPipedChatPrintsAnswersOnly(t *testing.T) {
	r := newFakeRouter(t)
	host := strings.TrimPrefix(r.URL, "http://")
	for _, tt := range []struct {
		input  string
		args   []string
		status int
		stdout string
		stderr string // a part
	}{
		{"", []string{"one", "two"}, 0, "answer 1: one two\n", ""},
		{"first\n\n  second \n", nil, 0, "answer 2: first\nanswer 3: second\n", ""},
		{"/system be brief\n/attr toxicity=4 humor=0\nhi\n/exit\nnever\n", nil, 0, "answer 4: hi\n", ""},
		{"//etc is a path\n/etc/passwd too\n", nil, 0, "answer 5: /etc is a path\nanswer 6: /etc/passwd too\n", ""},
		{"a\nfail\nnever\n", nil, 1, "answer 7: a\n", "hachi: status 429: the queue is full\n"},
		{"", []string{"key"}, 1, "", "give the API key in the environment variable HACHI_API_KEY\n"},
		{"", []string{"key", "--api-key", "WRONG"}, 1, "", "no key"},
		{"", []string{"key", "--api-key", "KEY"}, 0, "answer 11: key\n", ""},
		{"", []string{"fail"}, 1, "", "hachi: status 429: the queue is full\n"},
		{"", []string{" "}, 78, "", "hachi: the message is empty\n"},
		{"/hlep\n", nil, 1, "", "hachi: unknown command /hlep: did you mean /help?\n"},
		{"/attr helpfulnes=4\n", nil, 1, "", "unknown attribute"},
	} {
		status, stdout, stderr := piped(t, tt.input, append(tt.args, "--url", host)...)
		if status != tt.status || stdout != tt.stdout || !strings.Contains(stderr, tt.stderr) || (tt.stderr == "") != (stderr == "") {
			t.Errorf("%q %v: status %d, stdout %q, stderr %q; want %d, %q, %q", tt.input, tt.args, status, stdout, stderr, tt.status, tt.stdout, tt.stderr)
		}
	}
	got := r.request(t, 3)
	if len(got.Messages) != 2 || !reflect.DeepEqual(got.Messages[0], client.Message{Role: "system", Content: "be brief"}) || got.Attributes["toxicity"] != 4 || len(got.Attributes) != 2 {
		t.Errorf("with a system message and attributes, the request is %+v", got)
	}
	if turns := r.request(t, 2).Messages; len(turns) != 3 || turns[1].Content != "answer 2: first" {
		t.Errorf("the second turn carries %+v", turns)
	}
}

// TestAnInterruptedChatFails with the status that shells give to the signal: while
// it answers, and while it waits for a line.
func TestAnInterruptedChatFails(t *testing.T) {
	r := newFakeRouter(t)
	for _, tt := range []struct {
		signal syscall.Signal
		status int
		args   []string
	}{
		{syscall.SIGINT, 130, []string{"hold", "on"}},
		{syscall.SIGTERM, 143, []string{"hold"}},
		{syscall.SIGINT, 130, nil},
	} {
		cmd := chatProcess(t, t.TempDir(), append(tt.args, "--url", r.URL)...)
		stdin, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := stdin.Write([]byte("first\n")); err != nil {
			t.Fatal(err)
		}
		answers := bufio.NewReader(out)
		if _, err := answers.ReadString(':'); err != nil {
			t.Fatal(err)
		}
		if len(tt.args) == 0 { // then it waits for the next line
			if _, err := answers.ReadString('\n'); err != nil {
				t.Fatal(err)
			}
		}
		if err := cmd.Process.Signal(tt.signal); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // the status says it
		if status := cmd.ProcessState.ExitCode(); status != tt.status {
			t.Errorf("%v by %v: status %d, want %d", tt.args, tt.signal, status, tt.status)
		}
	}
}

func TestAChatWithoutAServerSaysHowToStartOne(t *testing.T) {
	r := httptest.NewServer(http.NotFoundHandler())
	r.Close()
	status, stdout, stderr := piped(t, "", "hello", "--url", r.URL)
	if status != 1 || stdout != "" || !strings.Contains(stderr, r.URL) || !strings.Contains(stderr, "hachi up") || strings.Count(stderr, "\n") != 1 {
		t.Errorf("status %d, stdout %q, stderr %q", status, stdout, stderr)
	}
}

func TestAddressesOfServers(t *testing.T) {
	for given, want := range map[string]string{
		"127.0.0.1:9000": "http://127.0.0.1:9000", "localhost:9000": "http://localhost:9000", "box": "http://box:8080", "9000": "http://127.0.0.1:9000",
		":9000": "http://127.0.0.1:9000", "0.0.0.0:9000": "http://127.0.0.1:9000", "[::1]:9000": "http://[::1]:9000",
		"http://box:1/": "http://box:1", "http://box:1/v1": "http://box:1", "http://box:1/v1/": "http://box:1", "box:1/v1": "http://box:1",
		"http://box:1/v1/chat/completions": "http://box:1", "https://box": "https://box", "https://box/llm/v1": "https://box/llm", " http://box:1 ": "http://box:1",
		"ftp://box": "", "http://": "", "http://a b": "", ":": "", "box:port": "",
	} {
		if got, err := baseURL(given); got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v; want %q", given, got, err, want)
		}
	}
}

// FuzzBaseURL: what is accepted is the base of a server, and stays it.
func FuzzBaseURL(f *testing.F) {
	for _, seed := range []string{"127.0.0.1:1", "box", "9", ":9", "http://box:1/v1/", "https://box/a/v1/chat/completions", "http://[::1%25eth0]:1", "http://u:p@h/", "//", "http://h/%zz"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, given string) {
		base, err := baseURL(given)
		if err != nil {
			return
		}
		u, err := url.Parse(base)
		if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || strings.HasSuffix(base, "/") || strings.HasSuffix(base, "/v1") {
			t.Errorf("%q becomes %q, %v", given, base, err)
		}
		if again, err := baseURL(base); err != nil || again != base {
			t.Errorf("%q becomes %q, and that %q, %v", given, base, again, err)
		}
	})
}

// TestChatEscapesWhatAModelSays: an answer could otherwise move the cursor, or write to
// the clipboard of a terminal.
func TestChatEscapesWhatAModelSays(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\\u001b]52;c;eA==\\u0007\\u202e\\n\\tb\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n")
	}))
	defer server.Close()
	var out strings.Builder
	s := conversation{client: client.Client{URL: server.URL}}
	if err := s.say(t.Context(), "x", printable.Writer(&out)); err != nil || out.String() != "a\\u001b]52;c;eA==\\u0007\\u202e\n\tb\n" {
		t.Errorf("%q, %v", out.String(), err)
	}
	if said := s.messages[1].Content; said != "a\x1b]52;c;eA==\a\u202e\n\tb" {
		t.Errorf("the conversation goes on with %q", said)
	}
}

// TestAServerThatIsStoppedEndsWithZero, though it cannot tell etcd; a wrong
// configuration stays one.
func TestAServerThatIsStoppedEndsWithZero(t *testing.T) {
	stopped, stop := context.WithCancel(t.Context())
	stop()
	away := fmt.Errorf("etcd: %w", context.DeadlineExceeded)
	wrong := &role.ConfigError{Err: away}
	if err := unlessStopped(stopped, away); err != nil {
		t.Error(err)
	}
	if unlessStopped(stopped, wrong) == nil || unlessStopped(t.Context(), away) == nil {
		t.Error("a failure is lost")
	}
}
