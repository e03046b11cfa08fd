package chaos

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// said matches the time of a line of a log: of slog's text, and of etcd's JSON.
var said = regexp.MustCompile(`^(?:time=|\{"level":"\w+","ts":")([0-9T:.+Z-]+)"?`)

// readLogs returns the lines of the logs below a directory that have a time, each with
// the name of its file.
func readLogs(dir string) ([]line, error) {
	var out []line
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.Contains(e.Name(), ".log") {
			return err
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, _, _ := strings.Cut(e.Name(), ".")
		if name == etcdName { // each member has a directory
			name = filepath.Base(filepath.Dir(path))
		}
		for lines := bufio.NewScanner(bytes.NewReader(raw)); lines.Scan(); {
			if match := said.FindStringSubmatch(lines.Text()); match != nil {
				if at, err := time.Parse(time.RFC3339Nano, match[1]); err == nil {
					out = append(out, line{at, fmt.Sprintf("%-14s %s", name, strings.TrimPrefix(lines.Text(), match[0]))})
				}
			}
		}
		return nil
	})
	return out, err
}

// merged are the lines of the timeline and of logs in order of time.
func merged(all ...[]line) string {
	lines := slices.Concat(all...)
	slices.SortStableFunc(lines, func(a, b line) int { return a.at.Compare(b.at) })
	var out strings.Builder
	for _, l := range lines {
		fmt.Fprintln(&out, l)
	}
	return out.String()
}
