package httpapi

import (
	"log/slog"
	"testing"
)

// TestLevelsOfRequests: what is asked for again and again without a user is at debug.
func TestLevelsOfRequests(t *testing.T) {
	for path, want := range map[string]slog.Level{
		"/healthz": slog.LevelDebug, "/readyz": slog.LevelDebug, "/metrics": slog.LevelDebug,
		"/": slog.LevelDebug, "/page/main.js": slog.LevelDebug,
		"/v1/chat/completions": slog.LevelInfo, "/pages": slog.LevelInfo, "/x/page/": slog.LevelInfo,
	} {
		if got := level(path); got != want {
			t.Errorf("%s: %v, want %v", path, got, want)
		}
	}
}
