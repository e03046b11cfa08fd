package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/client"
	"github.com/hachi-serve/hachi/internal/eventually"
	"github.com/hachi-serve/hachi/internal/freeport"
	"github.com/hachi-serve/hachi/test/e2e/internal/harness"
)

// TestTheSixtySecondsOfTheReadme starts `hachi up` as a user without any file of
// hachi does, and runs the commands of README.md as they are written there, but for
// the port and how the program is started.
func TestTheSixtySecondsOfTheReadme(t *testing.T) {
	harness.Slow(t)
	usual := os.Environ()
	shell, listen, dir := readmeShell(t), freeport.Address(t), t.TempDir()
	url := "http://" + listen
	up := hachi.Start(t, "up", "--listen", listen, "--data-dir", dir)
	eventually.True(t, "hachi up greets", func() bool { return strings.Contains(up.Output(t), "hachi-mini speaks English and Japanese") })

	blocks := commandsOf(t, "Sixty seconds")
	if len(blocks) < 3 || blocks[0] != "go run ./cmd/hachi up" {
		t.Fatalf("the commands of README.md are %q", blocks)
	}
	asks := strings.NewReplacer("http://127.0.0.1:8080", url, "go run ./cmd/hachi", "hachi").Replace(blocks[1])
	said := shell(asks)
	curl, chat, found := strings.Cut(said, "data: [DONE]\n\n")
	if text, finish := readEvents(t, curl); !found || !strings.Contains(text, "東京") || finish != "stop" {
		t.Errorf("curl says %q and ends by %q: %s", text, finish, said)
	}
	if strings.Count(chat, "\n") != 1 || !strings.Contains(chat, "47") {
		t.Errorf("hachi chat says %q", chat)
	}

	if err := harness.Test(t.Context(), usual, "-run", "TestPromptsHaveSensibleAnswers", "../mini", "-url", url); err != nil {
		t.Error(err)
	}
	want, _ := streamed(t, url, func() {})
	node := pidOf(t, "expert-2", shell("hachi status"))
	got, after := streamed(t, url, func() { shell("kill -9 " + node) })
	if got != want || after == 0 {
		t.Errorf("with a node killed %d pieces before the end, the answer is\n%q, want\n%q", after, got, want)
	}

	if err := up.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := up.Wait(); err != nil {
		t.Errorf("an interrupt ends hachi up with %v", err)
	}
	if left := harness.ProcessesWith(t, dir, listen); len(left) > 0 {
		t.Errorf("processes are left: %v", left)
	}
}

// readmeShell is a shell with hachi in its PATH, for a user who has no file of
// hachi. A command has to succeed.
func readmeShell(t *testing.T) func(commands string) string {
	t.Helper()
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skipf("README.md uses curl: %v", err)
	}
	t.Setenv("HOME", t.TempDir())
	t.Setenv("XDG_CACHE_HOME", "")
	bin := t.TempDir()
	if err := os.Symlink(hachi.Binary, bin+"/hachi"); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	return func(commands string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "sh", "-e", "-c", commands)
		var problems strings.Builder
		cmd.Stderr = &problems
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v\n%s", commands, err, &problems)
		}
		return string(out)
	}
}

// commandsOf are the blocks of commands in a section of README.md.
func commandsOf(t *testing.T, section string) []string {
	t.Helper()
	raw, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(raw), "\n## "+section+"\n")
	text, _, _ = strings.Cut(text, "\n## ")
	var out []string
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)\n```").FindAllStringSubmatch(text, -1) {
		out = append(out, block[1])
	}
	return out
}

// readEvents is the text and the finish reason of a stream of events.
func readEvents(t *testing.T, events string) (text, finish string) {
	t.Helper()
	for line := range strings.Lines(events) {
		data, found := strings.CutPrefix(line, "data: ")
		if !found {
			continue
		}
		var chunk struct {
			Choices []struct {
				Delta  struct{ Content string }
				Finish string `json:"finish_reason"`
			}
		}
		if err := json.Unmarshal([]byte(data), &chunk); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		for _, c := range chunk.Choices {
			text, finish = text+c.Delta.Content, finish+c.Finish
		}
	}
	return text, finish
}

// streamed is a long answer, which has to end by itself. In the middle of it,
// disturb is called; after is how many pieces come then.
func streamed(t *testing.T, url string, disturb func()) (text string, after int) {
	t.Helper()
	const undisturbed = 5
	c := client.Client{URL: url}
	seed, pieces, finish := uint64(8), 0, ""
	request := client.ChatRequest{
		Messages: []client.Message{{Role: "user", Content: "Tell me a story about a dragon."}}, Params: client.Params{MaxTokens: 400, Seed: &seed},
	}
	for chunk, err := range c.Stream(t.Context(), request) {
		if err != nil {
			t.Fatal(err)
		}
		text, finish = text+chunk.Text, finish+chunk.Finish
		if pieces++; pieces == undisturbed {
			disturb()
		}
	}
	if finish != "stop" {
		t.Errorf("the answer ends by %q: %s", finish, text)
	}
	return text, pieces - undisturbed
}

// pidOf is the process of a node in what `hachi status` prints.
func pidOf(t *testing.T, node, status string) string {
	t.Helper()
	row := regexp.MustCompile(`(?m)^` + node + ` +(\d+) +serving `).FindStringSubmatch(status)
	if row == nil {
		t.Fatalf("hachi status shows no serving %s:\n%s", node, status)
	}
	return row[1]
}
