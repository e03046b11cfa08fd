package sidecar

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
)

const (
	keptLines = 12
	maxLine   = 500 // of what is kept of a line
)

// output logs what a helper writes, and keeps the last lines for the error that says
// how it ended. It is safe for concurrent use.
type output struct {
	log *slog.Logger

	mu    sync.Mutex // guards the fields below
	part  []byte     // of the line that has not ended
	lines []string
}

// Write implements io.Writer.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for rest := p; len(rest) > 0; {
		line, after, ended := bytes.Cut(rest, []byte("\n"))
		o.part = append(o.part, line[:min(len(line), max(0, maxLine-len(o.part)))]...)
		if rest = after; ended {
			o.keep(string(o.part))
			o.part = o.part[:0]
		}
	}
	return len(p), nil
}

func (o *output) keep(line string) {
	o.log.Debug("helper", "says", line)
	if len(o.lines) == keptLines {
		o.lines = o.lines[1:]
	}
	o.lines = append(o.lines, line)
}

// last are the last lines, for the end of an error.
func (o *output) last() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	lines := o.lines
	if len(o.part) > 0 {
		lines = append(lines[:len(lines):len(lines)], string(o.part))
	}
	if len(lines) == 0 {
		return ""
	}
	return "; its last output:\n" + strings.Join(lines, "\n")
}
