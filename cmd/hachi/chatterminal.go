package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/peterh/liner"
	"golang.org/x/sys/unix"

	"github.com/hachi-serve/hachi/internal/local"
)

// terminal reports whether a file is one.
func terminal(f *os.File) bool {
	_, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
	return err == nil
}

// readMessages answers a message a line, until the input ends, a request fails or
// ctx ends.
func readMessages(ctx context.Context, s *conversation, in io.Reader, out io.Writer) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	lines := make(chan readLine)
	go func() {
		defer close(lines)
		sendLines(ctx, in, lines)
	}()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case line, more := <-lines:
			if !more || line.err != nil {
				return line.err
			}
			if err := s.turn(ctx, line.text, out); errors.Is(err, errLeave) {
				return nil
			} else if err != nil {
				return err
			}
		}
	}
}

// sendLines sends the lines of an input that are not blank, until the input or ctx
// ends. It may outlive ctx while it reads.
func sendLines(ctx context.Context, in io.Reader, to chan<- readLine) {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<20)
	for more := true; more; {
		var line readLine
		if more = lines.Scan(); more {
			line.text = strings.TrimSpace(lines.Text())
		} else {
			line.err = lines.Err()
		}
		if line == (readLine{}) {
			continue
		}
		select {
		case to <- line:
		case <-ctx.Done():
			return
		}
	}
}

const prompt = "> "

// talk is a chat at a terminal. An interrupt stops an answer; a second one at the
// prompt leaves. The end of ctx by another signal leaves at once.
func talk(ctx context.Context, s *conversation, out, problems io.Writer) (err error) {
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, os.Interrupt)
	defer signal.Stop(interrupts)
	terminated := make(chan os.Signal, 1)
	signal.Notify(terminated, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(terminated)
	ctx = context.WithoutCancel(ctx) // which an interrupt ends
	if err := s.client.Ready(ctx); err != nil {
		return err
	}
	fmt.Fprintf(out, "Talking to %s. /help lists commands, Ctrl-D leaves.\n", s.client.URL)
	line := newLineEditor(problems)
	defer line.close()
	for again := false; ; {
		text, err := line.read(interrupts, terminated)
		switch {
		case errors.Is(err, liner.ErrPromptAborted):
			if again {
				return nil
			}
			fmt.Fprintln(problems, "Ctrl-C again, Ctrl-D or /exit leaves")
			again = true
			continue
		case errors.Is(err, io.EOF):
			fmt.Fprintln(out)
			return nil
		case err != nil:
			return err
		case text == "":
			continue
		}
		again = false
		switch err := s.stoppable(ctx, interrupts, text, out); {
		case errors.Is(err, errLeave):
			return nil
		case errors.Is(err, errStopped):
			again = true
		case err != nil:
			complain(problems, reachable(err, s.client.URL).Error())
		}
	}
}

// errStopped means that the user stopped an answer.
var errStopped = errors.New("stopped")

// stoppable takes a turn that an interrupt stops.
func (s *conversation) stoppable(ctx context.Context, interrupts <-chan os.Signal, text string, out io.Writer) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	select {
	case <-interrupts: // of the time before
	default:
	}
	done := make(chan struct{})
	defer close(done)
	go func() {
		select {
		case <-interrupts:
			stop(errStopped)
		case <-done:
		}
	}()
	if err := s.turn(ctx, text, out); err != nil {
		if errors.Is(context.Cause(ctx), errStopped) {
			return errStopped
		}
		return err
	}
	return nil
}

// lineEditor reads lines at a terminal, with a history that outlives the chat.
type lineEditor struct {
	state   *liner.State
	history string // file; empty if there is none
	pending chan readLine
}

// readLine is what a read brought.
type readLine struct {
	text string
	err  error
}

func newLineEditor(problems io.Writer) *lineEditor {
	e := &lineEditor{state: liner.NewLiner()}
	e.state.SetCtrlCAborts(true)
	e.state.SetMultiLineMode(true)
	e.state.SetCompleter(completeSlash)
	dir, temporary, err := local.UserDir()
	if err != nil {
		return e
	}
	e.history = filepath.Join(dir, "chat-history")
	if temporary {
		fmt.Fprintf(problems, "no home directory that can be written: the history is in %s\n", e.history)
	}
	if f, err := os.Open(e.history); err == nil {
		_, _ = e.state.ReadHistory(f) // what can be read of it
		f.Close()
	}
	return e
}

// completeSlash completes the names of commands.
func completeSlash(line string) (out []string) {
	for _, c := range slashCommands() {
		if full := "/" + c.name; line != "" && strings.HasPrefix(full, line) {
			out = append(out, full)
		}
	}
	return out
}

// read reads a line. A signal ends the wait for one; the next read continues with
// the same line.
func (e *lineEditor) read(interrupts, terminated <-chan os.Signal) (string, error) {
	if e.pending == nil {
		pending := make(chan readLine, 1)
		e.pending = pending
		go func() {
			text, err := e.state.Prompt(prompt)
			pending <- readLine{text, err}
		}()
	}
	select {
	case r := <-e.pending:
		e.pending = nil
		text := strings.TrimSpace(r.text)
		if r.err == nil && text != "" {
			e.state.AppendHistory(text)
		}
		return text, r.err
	case <-interrupts: // of a terminal that cannot edit lines
		return "", liner.ErrPromptAborted
	case s := <-terminated:
		return "", fmt.Errorf("ended by the signal %v", s)
	}
}

// close restores the terminal and keeps the history, if it can be written.
func (e *lineEditor) close() {
	e.state.Close()
	if e.history == "" || os.MkdirAll(filepath.Dir(e.history), 0o755) != nil {
		return
	}
	if f, err := os.OpenFile(e.history, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600); err == nil {
		_, _ = e.state.WriteHistory(f) // without room, the history is shorter
		f.Close()
	}
}
