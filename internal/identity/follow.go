package identity

import (
	"context"
	"io/fs"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"
)

// followEvery is how often files are looked at.
const followEvery = time.Second

// Follow calls reload when one of the files has changed, and when the process gets
// SIGHUP, until ctx ends. What was read before stays in use while reload fails;
// reload is then called again each second. Follow looks at the files where links
// lead, as the volumes of Kubernetes replace a link.
//
// One line is logged when reload fails twice in a row, because several files are
// seldom replaced at once, and one when it succeeds after that.
func Follow(ctx context.Context, paths []string, log *slog.Logger, reload func() error) {
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	clock := time.NewTicker(followEvery)
	defer clock.Stop()
	var seen []stamp // none, so that a change before the first look is not missed
	for failures := 0; ; {
		asked := false
		select {
		case <-ctx.Done():
			return
		case <-hangup:
			asked = true
		case <-clock.C:
		}
		now := stamps(paths)
		if !asked && failures == 0 && slices.Equal(now, seen) {
			continue
		}
		seen = now
		err := reload()
		switch {
		case err != nil:
			if failures++; failures == 2 {
				log.Error("files cannot be used, those read before stay in use", "files", paths, "err", err)
			}
			continue
		case failures >= 2:
			log.Warn("files are in use again", "files", paths)
		default:
			log.Info("files are read again", "files", paths)
		}
		failures = 0
	}
}

// stamp tells whether a file is another than before.
type stamp struct {
	modified int64 // Unix nanoseconds; 0 if there is no file
	size     int64
	inode    uint64
}

func stamps(paths []string) []stamp {
	out := make([]stamp, len(paths))
	for i, path := range paths {
		if info, err := os.Stat(path); err == nil {
			out[i] = stamp{info.ModTime().UnixNano(), info.Size(), inode(info)}
		}
	}
	return out
}

func inode(info fs.FileInfo) uint64 {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return uint64(s.Ino)
	}
	return 0
}
