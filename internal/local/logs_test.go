package local

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

func TestARunBeginsWithEmptyLogs(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "logs")
	path := filepath.Join(dir, "router-0.log")
	for _, run := range []string{"first", "second", "third"} {
		if err := rotateLogs(dir); err != nil {
			t.Fatal(err)
		}
		f, begin, err := openLog(path)
		if err != nil || begin != 0 {
			t.Fatalf("the log of the %s run begins at %d, %v", run, begin, err)
		}
		if _, err := f.WriteString(run + "\n"); err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
	f, begin, err := openLog(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if text := output(path, begin); text != "" {
		t.Errorf("the next process of the run has said %q", text)
	}
	if _, err := f.WriteString("again\n"); err != nil {
		t.Fatal(err)
	}
	if text := output(path, begin); text != "again" {
		t.Errorf("the next process has said %q", text)
	}
	if old, err := os.ReadFile(path + previousSuffix); err != nil || string(old) != "second\n" {
		t.Errorf("the log of the run before is %q, %v", old, err)
	}
}

func TestTheCauseOfAnEndIsWhatTheProcessSaidLast(t *testing.T) {
	const trace = "time=1 level=WARN msg=late\npanic: the sky falls\n\ngoroutine 1 [running]:\nmain.main()\n\t/x.go:1"
	for _, tt := range []struct {
		script, output, want string
	}{
		{"exit 1", "", "role-0 ended: exit status 1"},
		{"exit 1", "one\ntwo", "role-0 ended: exit status 1: two"},
		{"exit 78", "old\nhachi: a: wrong\nhachi: b: wrong", "role-0: a: wrong\nrole-0: b: wrong"},
		{"exit 2", trace, "role-0 ended: exit status 2: panic: the sky falls"},
		{"exit 2", "fatal error: all goroutines are asleep\n\ngoroutine 1", "role-0 ended: exit status 2: fatal error: all goroutines are asleep"},
		{"exit 78", "hachi: panic: is a word", "role-0: panic: is a word"},
		{"exit 2", "SIGQUIT: quit\nPC=0x48c m=0\n\ngoroutine 0\nrax 0x0", "role-0 ended: exit status 2: SIGQUIT: quit"},
		{"exit 2", "fatal error: unexpected signal\n[signal SIGSEGV: segmentation violation]\nrip 0x1", "role-0 ended: exit status 2: fatal error: unexpected signal"},
		{"kill -9 $$", "a warning of long ago", "role-0 ended: signal: killed"},
	} {
		err := exec.Command("/bin/sh", "-c", tt.script).Run()
		if got := cause("role-0", err, tt.output); got.Error() != tt.want {
			t.Errorf("%s after %q: %q, want %q", tt.script, tt.output, got, tt.want)
		}
	}
}

func TestAFullDiskIsNamed(t *testing.T) {
	dir := t.TempDir()
	_, err := os.Open(filepath.Join(dir, "absent"))
	if got := explainDisk(err, dir); got != err || explainDisk(nil, dir) != nil {
		t.Errorf("%v becomes %v", err, got)
	}
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skipf("no /dev/full: %v", err)
	}
	defer full.Close()
	_, err = full.WriteString("x")
	if got := explainDisk(err, dir); !errors.Is(got, errDiskFull) {
		t.Errorf("%v becomes %v", err, got)
	}
}
