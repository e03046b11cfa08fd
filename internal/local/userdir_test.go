package local

import (
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// unset removes a variable of the environment until the test ends.
func unset(t *testing.T, name string) {
	t.Helper()
	t.Setenv(name, "") // restores it
	if err := os.Unsetenv(name); err != nil {
		t.Fatal(err)
	}
}

func TestAUserWithoutAHomeHasATemporaryDirectory(t *testing.T) {
	temp, file := t.TempDir(), filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	unset(t, "XDG_CACHE_HOME")
	t.Setenv("TMPDIR", temp)
	want := filepath.Join(temp, "hachi-"+strconv.Itoa(os.Getuid()))
	for what, home := range map[string]string{"unset": "", "a file": file} {
		if t.Setenv("HOME", home); home == "" {
			unset(t, "HOME")
		}
		if dir, temporary, err := UserDir(); err != nil || !temporary || dir != want {
			t.Errorf("home %s: %s, %v, %v; want %s", what, dir, temporary, err, want)
		}
		if dir, err := DataDir("127.0.0.1:1"); err != nil || dir != filepath.Join(want, "up-127.0.0.1:1") {
			t.Errorf("home %s: data in %s, %v", what, dir, err)
		}
	}
	if err := os.Remove(want); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(t.TempDir(), want); err != nil { // somebody else's trap
		t.Fatal(err)
	}
	if dir, _, err := UserDir(); err == nil {
		t.Errorf("a link is taken for the user's directory: %s", dir)
	}
	t.Setenv("HOME", filepath.Join(t.TempDir(), "new", "home"))
	if dir, temporary, err := UserDir(); err != nil || temporary || !strings.HasSuffix(dir, "/hachi") {
		t.Errorf("a home that can be made: %s, %v, %v", dir, temporary, err)
	}
}

func TestATakenPortSaysWhatToDo(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	listen := l.Addr().String()
	_, port, _ := net.SplitHostPort(listen)
	expect := func(listen string, wants ...string) {
		t.Helper()
		err := freePort(listen)
		for _, want := range wants {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %q in it", listen, err, want)
			}
		}
	}
	expect(listen, "another program", "ss -ltnp", "lsof -i :"+port)
	expect("192.0.2.1:8080", "no address of this machine")
	c := &Cluster{cfg: UpConfig{Listen: listen, DataDir: t.TempDir()}}
	if err := c.writeRunFile(); err != nil {
		t.Fatal(err)
	}
	expect(listen, "a running `hachi up`", "kill "+strconv.Itoa(os.Getpid()))
	if running, err := Running(); err != nil || len(running) != 1 || running[0].URL != "http://"+listen {
		t.Errorf("running are %+v, %v", running, err)
	}
	c.removeRunFile()
	if running, err := Running(); err != nil || len(running) != 0 {
		t.Errorf("after the end, running are %+v, %v", running, err)
	}
}

// TestAKilledUpRunsNowhere: neither its data directory nor the user's files say
// that it runs.
func TestAKilledUpRunsNowhere(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	c := &Cluster{cfg: UpConfig{Listen: "127.0.0.1:1", DataDir: t.TempDir()}}
	if err := c.writeRunFile(); err != nil {
		t.Fatal(err)
	}
	run, err := ReadRunFile(c.cfg.DataDir)
	if err != nil || run.PID != os.Getpid() {
		t.Fatalf("while it runs: %+v, %v", run, err)
	}
	ended := exec.Command("true")
	if err := ended.Run(); err != nil {
		t.Fatal(err)
	}
	run.Parent.PID, run.Parent.Ticks = ended.Process.Pid, "1"
	raw, err := json.Marshal(run)
	if err != nil {
		t.Fatal(err)
	}
	duplicate, err := c.runCopy()
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{c.runFile(), duplicate} {
		if err := os.WriteFile(path, raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if run, err := ReadRunFile(c.cfg.DataDir); err == nil || !strings.Contains(err.Error(), "no `hachi up` runs on "+c.cfg.DataDir) {
		t.Errorf("after it was killed, its data directory has %+v, %v", run, err)
	}
	if running, err := Running(); err != nil || len(running) != 0 {
		t.Errorf("after it was killed, running are %+v, %v", running, err)
	}
}
