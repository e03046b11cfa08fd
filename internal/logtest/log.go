package logtest

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
)

// Log is a log in memory. The zero value is an empty log.
type Log struct {
	mu   sync.Mutex // guards text
	text bytes.Buffer
}

// Logger writes lines of text from level info on into the log.
func (l *Log) Logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

// Write appends p to the log.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// String is all that was written so far.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// Count is how many times text was written so far.
func (l *Log) Count(text string) int { return strings.Count(l.String(), text) }
