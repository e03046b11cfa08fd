package episode

import (
	"context"
	"log/slog"
	"time"
)

// waitAfter is how long something is waited for before a line says so: a cluster that
// starts waits for a while.
const waitAfter = 10 * time.Second

// Wait logs a wait that lasts: one line with the reason when it has become long, and
// one when it is over. It belongs to one goroutine.
type Wait struct {
	logger       *slog.Logger
	level        slog.Level
	began, ended string
	since        time.Time // zero if nothing is waited for
	logged       bool
}

// NewWait logs the beginning of waits at a level, and their end as a warning, with
// these messages.
func NewWait(logger *slog.Logger, level slog.Level, began, ended string) *Wait {
	return &Wait{logger: logger, level: level, began: began, ended: ended}
}

// Observe notes whether something is waited for, and why.
func (w *Wait) Observe(now time.Time, waits bool, why func() string) {
	switch {
	case !waits && w.logged:
		w.logger.Warn(w.ended, "waited", now.Sub(w.since).Round(time.Millisecond))
		fallthrough
	case !waits:
		w.since, w.logged = time.Time{}, false
	case w.since.IsZero():
		w.since = now
	case !w.logged && now.Sub(w.since) >= waitAfter:
		w.logged = true
		w.logger.Log(context.Background(), w.level, w.began, "why", why())
	}
}
