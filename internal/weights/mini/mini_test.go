//go:build !nomini

package mini

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/hachi-serve/hachi/internal/weights/checkpoint"
)

// contents reads a directory of files, by name.
func contents(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]byte{}
	for _, e := range entries {
		if out[e.Name()], err = os.ReadFile(filepath.Join(dir, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// checkWhole fails unless dir holds the embedded files and nothing else.
func checkWhole(t *testing.T, dir string) {
	t.Helper()
	got, want := contents(t, dir), contents(t, "model")
	if len(got) != len(want) {
		t.Errorf("%s holds %d files, want %d", dir, len(got), len(want))
	}
	for name, content := range want {
		if !bytes.Equal(got[name], content) {
			t.Errorf("%s: %d bytes, want the %d embedded ones", name, len(got[name]), len(content))
		}
	}
}

func install(t *testing.T, root string) string {
	t.Helper()
	dir, err := Install(root)
	if err != nil {
		t.Fatal(err)
	}
	checkWhole(t, dir)
	return dir
}

func TestTheModelIsTheOneThatTheCardDescribes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "deep", "mini")
	if err := Write(dir); err != nil {
		t.Fatal(err)
	}
	c, err := checkpoint.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	cfg, parameters := c.Config(), int64(0)
	for _, s := range checkpoint.Layout(cfg) {
		parameters += s.Elements()
	}
	if parameters != 13_860_096 || cfg.Experts != 8 || cfg.TopK != 2 || cfg.MaxContext != 2048 || !cfg.TieEmbeddings {
		t.Errorf("%d parameters, config %+v", parameters, cfg)
	}
}

// GitHub warns of files above 50 MB, and packs are cloned whole: shards stay
// small.
func TestNoFileIsLargerThan16MiB(t *testing.T) {
	for name, content := range contents(t, "model") {
		if len(content) > 16<<20 {
			t.Errorf("%s has %d bytes", name, len(content))
		}
	}
}

func TestAnInstalledModelIsUsedAgain(t *testing.T) {
	root := t.TempDir()
	dir := install(t, root)
	if filepath.Base(dir) != Name {
		t.Errorf("installed to %s: its name is what a router serves", dir)
	}
	if want, err := Dir(root); err != nil || dir != want {
		t.Errorf("installed to %s, want %s, error %v", dir, want, err)
	}
	before, err := os.Stat(filepath.Join(dir, "config.json"))
	if err != nil {
		t.Fatal(err)
	}
	after, err := os.Stat(filepath.Join(install(t, root), "config.json"))
	if err != nil {
		t.Fatal(err)
	}
	if !os.SameFile(before, after) {
		t.Error("a whole directory is written again")
	}
}

// A crash, a full disk or a user may leave any of these.
func TestADamagedDirectoryIsReplaced(t *testing.T) {
	const shard = "model-00002-of-00002.safetensors"
	for what, damage := range map[string]func(dir string) error{
		"a missing file":  func(dir string) error { return os.Remove(filepath.Join(dir, shard)) },
		"a cut file":      func(dir string) error { return os.Truncate(filepath.Join(dir, shard), 1000) },
		"a file of zeros": func(dir string) error { return os.WriteFile(filepath.Join(dir, shard), make([]byte, 12118136), 0o644) },
		"no directory":    os.RemoveAll,
		"an empty one":    func(dir string) error { return errors.Join(os.RemoveAll(dir), os.Mkdir(dir, 0o755)) },
		"a file in place": func(dir string) error { return errors.Join(os.RemoveAll(dir), os.WriteFile(dir, nil, 0o644)) },
		"a killed process": func(dir string) error {
			return errors.Join(os.RemoveAll(dir), os.Mkdir(filepath.Join(filepath.Dir(dir), "."+Name+"-17"), 0o700))
		},
	} {
		t.Run(what, func(t *testing.T) {
			root := t.TempDir()
			dir := install(t, root)
			if err := damage(dir); err != nil {
				t.Fatal(err)
			}
			install(t, root)
			if left, err := filepath.Glob(filepath.Join(filepath.Dir(dir), ".*")); err != nil || len(left) > 0 {
				t.Errorf("left behind %v, error %v", left, err)
			}
		})
	}
}

func TestSeveralInstallAtOnce(t *testing.T) {
	root := t.TempDir()
	var all sync.WaitGroup
	dirs := make([]string, 8)
	errs := make([]error, len(dirs))
	for i := range dirs {
		all.Go(func() { dirs[i], errs[i] = Install(root) })
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	for _, dir := range dirs {
		if dir != dirs[0] {
			t.Errorf("installed to %s and %s", dir, dirs[0])
		}
	}
	checkWhole(t, dirs[0])
}

func TestNothingHalfWrittenIsLeftWhereWritingFails(t *testing.T) {
	limitFileSize(t, 1<<20) // a full disk fails the same way: a write is cut short
	root := t.TempDir()
	if _, err := Install(root); err == nil || !strings.Contains(err.Error(), root) {
		t.Fatalf("error %v, want one that names the directory", err)
	}
	left, err := filepath.Glob(filepath.Join(root, "*", "*"))
	if err != nil || len(left) != 1 || filepath.Base(left[0]) != "lock" {
		t.Errorf("left behind %v, error %v", left, err)
	}
	if hidden, err := filepath.Glob(filepath.Join(root, "*", ".*")); err != nil || len(hidden) > 0 {
		t.Errorf("left behind %v, error %v", hidden, err)
	}
}

// limitFileSize makes writes beyond the limit fail in this process until the
// test ends.
func limitFileSize(t *testing.T, limit uint64) {
	t.Helper()
	var before unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	small := before
	small.Cur = limit
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &small); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &before); err != nil {
			t.Error(err)
		}
	})
}

func TestExportRefusesADirectoryInUse(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "thesis.txt"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := Write(dir); err == nil || !strings.Contains(err.Error(), "thesis.txt") {
		t.Errorf("error %v", err)
	}
}
