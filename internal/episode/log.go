package episode

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// Flapping is a Quiet for subjects that may work between two failures of one
	// fault.
	Flapping = 10 * time.Second
	// State is a Quiet for subjects that have not failed when they work.
	State time.Duration = 0
	// maxSubjects bounds the memory of subjects with names from the network.
	maxSubjects = 1024
)

// Log logs the faults of one kind, of any number of subjects such as nodes.
type Log struct {
	logger       *slog.Logger
	level        slog.Level
	began, ended string
	kind         string // the key of the subject in a line
	quiet        time.Duration

	lasting atomic.Int32
	mu      sync.Mutex // guards faults
	faults  map[string]*fault
}

// fault is one that lasts.
type fault struct {
	since, last time.Time
	seen        int
	reason      string
}

// New logs the beginning of faults at a level, and their end as a warning, with these
// messages. A line has the subject under the key kind. quiet is how long a subject has
// not failed when its fault has ended. ended is "" for faults that nothing ends.
func New(logger *slog.Logger, level slog.Level, began, ended, kind string, quiet time.Duration) *Log {
	return &Log{logger: logger, level: level, began: began, ended: ended, kind: kind, quiet: quiet, faults: map[string]*fault{}}
}

// Failed notes that a subject has failed; args are for the line of a fault that begins.
func (l *Log) Failed(subject string, args ...any) { l.fail(subject, "", args) }

// FailedFor notes that a subject has failed for a reason. A reason that is another than
// before has a line of its own.
func (l *Log) FailedFor(subject string, reason error) {
	l.fail(subject, reason.Error(), []any{"err", reason})
}

func (l *Log) fail(subject, reason string, args []any) {
	now := time.Now()
	l.mu.Lock()
	f := l.faults[subject]
	begins := f == nil && len(l.faults) < maxSubjects
	if begins {
		f = &fault{since: now}
		l.faults[subject] = f
		l.lasting.Add(1)
	}
	if f != nil {
		begins = begins || f.reason != reason
		f.last, f.reason = now, reason
		f.seen++
	}
	l.mu.Unlock()
	if begins {
		l.write(l.level, l.began, subject, args...)
	}
}

// Lasting are the subjects whose fault lasts, with its reason.
func (l *Log) Lasting() map[string]string {
	out := map[string]string{}
	if l.lasting.Load() == 0 {
		return out
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for subject, f := range l.faults {
		out[subject] = f.reason
	}
	return out
}

// Worked notes that a subject works.
func (l *Log) Worked(subject string) {
	if l.lasting.Load() == 0 {
		return
	}
	now := time.Now()
	l.mu.Lock()
	f := l.faults[subject]
	ends := f != nil && now.Sub(f.last) >= l.quiet
	if ends {
		delete(l.faults, subject)
		l.lasting.Add(-1)
	}
	l.mu.Unlock()
	if ends {
		l.write(slog.LevelWarn, l.ended, subject, "lasted", f.last.Sub(f.since).Round(time.Millisecond), "seen", f.seen)
	}
}

func (l *Log) write(level slog.Level, message, subject string, args ...any) {
	l.logger.Log(context.Background(), level, message, append([]any{l.kind, subject}, args...)...)
}
