package local

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// previousSuffix is that of the log of the run before.
const previousSuffix = ".previous"

// rotateLogs begins a run: it makes the directory and keeps the logs of the run
// before under another name, so that no line of them is taken for one of this run.
func rotateLogs(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	logs, err := filepath.Glob(filepath.Join(dir, "*.log"))
	if err != nil {
		return err
	}
	for _, path := range logs {
		if err := os.Rename(path, path+previousSuffix); err != nil {
			return err
		}
	}
	return nil
}

// openLog opens a child's log, and says where the output of its next process
// begins.
func openLog(path string) (f *os.File, begin int64, err error) {
	f, err = os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, 0, err
	}
	begin, err = f.Seek(0, io.SeekEnd)
	if err != nil {
		f.Close()
		return nil, 0, err
	}
	return f, begin, nil
}

// maxTail bounds what is read of the end of a log.
const maxTail = 64 << 10

// output is what a log holds from an offset on, at most its end; "" if it cannot
// be read.
func output(path string, begin int64) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return ""
	}
	begin = max(begin, info.Size()-maxTail)
	text, err := io.ReadAll(io.NewSectionReader(f, begin, maxTail))
	if err != nil {
		return ""
	}
	return string(bytes.TrimSpace(text))
}

// crash matches the first line of what Go's runtime says of a crash.
var crash = regexp.MustCompile(`^(panic: |fatal error: |runtime: |SIG[A-Z]+: |unexpected fault address )`)

// cause joins how a process ended with its last words: the faults that it names,
// or the first line of its crash, or its last line. A killed process has none.
func cause(name string, err error, output string) error {
	var last string
	var faults []error
	for line := range strings.Lines(output) {
		line = strings.TrimSpace(line)
		if fault, ok := strings.CutPrefix(line, "hachi: "); ok {
			faults = append(faults, fmt.Errorf("%s: %s", name, fault))
		}
		if !crash.MatchString(last) {
			last = line
		}
	}
	var status *exec.ExitError
	killed := errors.As(err, &status) && !status.Exited()
	switch {
	case killed || last == "":
		return fmt.Errorf("%s ended: %w", name, err)
	case len(faults) > 0:
		return errors.Join(faults...)
	}
	return fmt.Errorf("%s ended: %w: %s", name, err, last)
}
