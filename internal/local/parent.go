package local

import (
	"fmt"
	"io"
	"os"
	"strconv"
)

// WatchParent ends the process when the parent that started it is gone. Outside
// a cluster started by Up it does nothing.
func WatchParent(end func()) error {
	text := os.Getenv(ParentEnv)
	if text == "" {
		return nil
	}
	fd, err := strconv.Atoi(text)
	if err != nil {
		return fmt.Errorf("%s=%q: not a file descriptor", ParentEnv, text)
	}
	life := os.NewFile(uintptr(fd), "parent")
	if life == nil {
		return fmt.Errorf("%s=%q: not an open file descriptor", ParentEnv, text)
	}
	go func() {
		_, _ = io.Copy(io.Discard, life)
		end()
	}()
	return nil
}
