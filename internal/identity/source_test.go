package identity

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

func TestFilesAreForThisUserOnly(t *testing.T) {
	ours := authority(t, "c")
	dir := filepath.Join(t.TempDir(), "certs")
	write(t, dir, ours, Request{ID: ID{"c", Router, "r"}, From: time.Now(), Life: time.Minute}, ours)
	for path, want := range map[string]os.FileMode{".": 0o700, KeyFile: 0o600, CertificateFile: 0o600, AuthoritiesFile: 0o600} {
		info, err := os.Stat(filepath.Join(dir, path))
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has mode %v, expected %v", path, got, want)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 3 {
		t.Errorf("%v, %v", entries, err)
	}
}

// TestOpenSaysWhatIsWrong: no process starts with a certificate that every other
// would refuse.
func TestOpenSaysWhatIsWrong(t *testing.T) {
	ours, others := authority(t, "c"), authority(t, "c")
	now := time.Now()
	for want, make := range map[string]func(dir string){
		"no such file": func(string) {},
		"has expired": func(dir string) {
			write(t, dir, ours, Request{ID{"c", Router, "r"}, nil, now.Add(-time.Hour), time.Minute}, ours)
		},
		"unknown authority": func(dir string) { write(t, dir, others, Request{ID{"c", Router, "r"}, nil, now, time.Minute}, ours) },
	} {
		dir := t.TempDir()
		make(dir)
		if _, err := Open(dir, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, expected %q", err, want)
		}
	}
}

func TestAnAuthorityIssuesNothingThatOutlivesIt(t *testing.T) {
	if _, err := authority(t, "c").Issue(Request{ID{"c", Router, "r"}, nil, time.Now(), 2 * time.Hour}); err == nil {
		t.Error("issued")
	}
}

func TestAnAuthorityIsReadAgain(t *testing.T) {
	a := authority(t, "c")
	pair, err := a.Pair()
	if err != nil {
		t.Fatal(err)
	}
	again, err := ParseAuthority(pair)
	if err != nil {
		t.Fatal(err)
	}
	source(t, again, ID{"c", Router, "r"}, a)
	other, err := authority(t, "c").Pair()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ParseAuthority(Pair{pair.Certificate, other.Key}); err == nil {
		t.Error("read with another key")
	}
	leaf, err := a.Issue(Request{ID{"c", Router, "r"}, nil, time.Now(), time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ParseAuthority(leaf); err == nil {
		t.Error("a process is no authority")
	}
}
