package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/internal/local"
	"github.com/hachi-serve/hachi/internal/weights/checkpoint"
)

// makeDefault makes the default model of `hachi up` and returns its directory
// and what was printed.
func makeDefault(t *testing.T, cfg local.UpConfig) (dir, output string) {
	t.Helper()
	if err := completeUp(&cfg); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := makeDefaultModel(cfg, &out); err != nil {
		t.Fatal(err)
	}
	return cfg.Model.Dir, out.String()
}

func TestTheDefaultModelIsMadeInTheCacheOfTheUser(t *testing.T) {
	cache := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", cache)
	dir, _ := makeDefault(t, local.DefaultUp())
	if !strings.HasPrefix(dir, cache) {
		t.Errorf("made in %s, want below %s", dir, cache)
	}
	c, err := checkpoint.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
}

func TestTheDefaultModelOfAUserWithoutAHomeIsInTheDataDirectory(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", "")
	t.Setenv("HOME", "")
	t.Chdir(t.TempDir())
	cfg := local.DefaultUp()
	cfg.DataDir = "data" // relative: roles get an absolute path
	dir, _ := makeDefault(t, cfg)
	if want, err := filepath.Abs("data"); err != nil || !strings.HasPrefix(dir, want+"/") {
		t.Errorf("made in %s, want below %s, error %v", dir, want, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "config.json")); err != nil {
		t.Error(err)
	}
}

// The printed configuration names the directory of the default model: with it,
// `hachi up --config` makes the model too.
func TestTheDefaultModelIsMadeWhenItIsNamed(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	cfg := local.DefaultUp()
	if err := completeUp(&cfg); err != nil {
		t.Fatal(err)
	}
	dir, _ := makeDefault(t, cfg)
	if _, err := os.Stat(filepath.Join(dir, "config.json")); err != nil {
		t.Error(err)
	}
}

func TestANamedModelMakesNoOther(t *testing.T) {
	cache := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", cache)
	cfg := local.DefaultUp()
	cfg.Model.Dir = tinyDir
	makeDefault(t, cfg)
	if made, err := os.ReadDir(cache); err != nil || len(made) > 0 {
		t.Errorf("made %v, error %v", made, err)
	}
}

func TestACacheThatCannotBeWrittenIsNamedWithTheWayOut(t *testing.T) {
	cache := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(cache, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv("XDG_CACHE_HOME", cache)
	cfg := local.DefaultUp()
	if err := completeUp(&cfg); err != nil {
		t.Fatal(err)
	}
	err := makeDefaultModel(cfg, new(strings.Builder))
	for _, want := range []string{cache, "XDG_CACHE_HOME", "--model"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q in it", err, want)
		}
	}
}
