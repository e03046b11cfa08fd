package main

import (
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/creack/pty"

	"github.com/hachi-serve/hachi/internal/eventually"
)

// screen is `hachi chat` at a terminal.
type screen struct {
	t    *testing.T
	cmd  *exec.Cmd
	tty  *os.File
	done chan struct{} // closed when the output has ended

	mu   sync.Mutex // guards text
	text strings.Builder
	seen int // what expect has passed
}

func newScreen(t *testing.T, terminal, cache string, args ...string) *screen {
	t.Helper()
	s := &screen{t: t, cmd: chatProcess(t, cache, args...), done: make(chan struct{})}
	s.cmd.Env = append(s.cmd.Env, "TERM="+terminal)
	tty, err := pty.StartWithSize(s.cmd, &pty.Winsize{Rows: 24, Cols: 80})
	if err != nil {
		t.Fatal(err)
	}
	s.tty = tty
	go func() {
		defer close(s.done)
		buf := make([]byte, 4096)
		for {
			n, err := tty.Read(buf)
			s.mu.Lock()
			s.text.Write(buf[:n])
			s.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() {
		_ = s.cmd.Process.Kill() // unless it has ended
		_ = s.cmd.Wait()
		tty.Close()
		<-s.done
	})
	return s
}

// expect waits for a text after the one expected before.
func (s *screen) expect(want string) {
	s.t.Helper()
	eventually.True(s.t, "the screen shows "+want, func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		i := strings.Index(s.text.String()[s.seen:], want)
		if i >= 0 {
			s.seen += i + len(want)
		}
		return i >= 0
	})
}

// typed waits for a prompt and sends keys.
func (s *screen) typed(keys string) {
	s.t.Helper()
	s.expect(prompt)
	s.press(keys)
}

func (s *screen) press(keys string) {
	s.t.Helper()
	if _, err := s.tty.WriteString(keys); err != nil {
		s.t.Fatal(err)
	}
}

// end waits for the end of the process.
func (s *screen) end() (status int) {
	s.t.Helper()
	<-s.done
	_ = s.cmd.Wait() // the status says it
	return s.cmd.ProcessState.ExitCode()
}

const (
	enter, backspace, left, upArrow, tab = "\r", "\x7f", "\x1b[D", "\x1b[A", "\t"
	ctrlA, ctrlC, ctrlD                  = "\x01", "\x03", "\x04"
)

func TestAChatAtATerminal(t *testing.T) {
	r := newFakeRouter(t)
	s := newScreen(t, "xterm", t.TempDir(), "--url", r.URL+"/v1")
	s.expect("Talking to " + r.URL)
	s.typed("hello" + enter)
	s.expect("answer 1: hello")
	s.typed("/retry" + enter)
	s.expect("answer 2: hello")
	s.typed("/systm" + enter)
	s.expect("did you mean /system?")
	s.typed("/system やさしく" + enter)
	s.typed("/attr humor=4" + enter)
	s.typed("日本語" + left + backspace + "の" + ctrlA + "私" + enter)
	s.expect("answer 3: 私日の語")
	s.typed("fail" + enter)
	s.expect("the queue is full")
	s.typed("/he" + tab + enter)
	s.expect("/retry")
	s.typed(upArrow + upArrow + upArrow + enter) // past /help and fail
	s.expect("answer 5: 私日の語")
	s.typed("/exit" + enter)
	if status := s.end(); status != 0 {
		t.Errorf("status %d", status)
	}
	retried, last := r.request(t, 1), r.request(t, -1)
	if len(retried.Messages) != 1 || retried.Messages[0].Content != "hello" {
		t.Errorf("the retry carries %+v", retried.Messages)
	}
	if len(last.Messages) != 6 || last.Messages[0].Content != "やさしく" || last.Messages[2].Content != "answer 2: hello" || last.Attributes["humor"] != 4 {
		t.Errorf("the last request is %+v", last)
	}
}

func TestCtrlCStopsTheAnswerOnly(t *testing.T) {
	r := newFakeRouter(t)
	s := newScreen(t, "xterm", t.TempDir(), "--url", r.URL)
	s.typed("hold on" + enter)
	s.expect("answer 1: ")
	s.press(ctrlC)
	<-r.released
	s.typed("go on" + enter)
	s.expect("answer 2: go on")
	if turns := r.request(t, 1).Messages; len(turns) != 3 || turns[1].Content != "answer 1: " {
		t.Errorf("after the stop the conversation is %+v", turns)
	}
	s.typed(ctrlC)
	s.expect("/exit leaves")
	s.typed("hold" + enter)
	s.expect("answer 3: ")
	s.press(ctrlC)
	<-r.released
	s.typed(ctrlC)
	if status := s.end(); status != 0 {
		t.Errorf("a second Ctrl-C ends it with status %d", status)
	}
}

func TestTheHistoryOutlivesAChat(t *testing.T) {
	r, cache := newFakeRouter(t), t.TempDir()
	s := newScreen(t, "xterm", cache, "--url", r.URL)
	s.typed("remember me" + enter)
	s.expect("answer 1: ")
	s.typed(ctrlD)
	if status := s.end(); status != 0 {
		t.Errorf("the end of the input is status %d", status)
	}
	s = newScreen(t, "xterm", cache, "--url", r.URL)
	s.typed(upArrow + enter)
	s.expect("answer 2: remember me")
	s.expect(prompt)
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if status := s.end(); status != 1 {
		t.Errorf("a signal ends it with status %d", status)
	}
}

func TestAChatAtATerminalWithoutAServerEnds(t *testing.T) {
	s := newScreen(t, "xterm", t.TempDir(), "--url", "127.0.0.1:1")
	s.expect("start one with `hachi up`")
	if status := s.end(); status != 1 {
		t.Errorf("status %d", status)
	}
}

// TestAChatAtATerminalThatCannotEditLines: as in an editor's shell.
func TestAChatAtATerminalThatCannotEditLines(t *testing.T) {
	r := newFakeRouter(t)
	s := newScreen(t, "dumb", t.TempDir(), "--url", r.URL)
	s.typed("こんにちは\n")
	s.expect("answer 1: こんにちは")
	s.typed("hold\n")
	s.expect("answer 2: ")
	s.press(ctrlC)
	<-r.released
	s.typed(ctrlC)
	if status := s.end(); status != 0 {
		t.Errorf("status %d", status)
	}
}
