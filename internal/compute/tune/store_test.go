package tune

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/internal/compute/kernel"
	"github.com/hachi-serve/hachi/internal/logtest"
)

// planOf chooses the last variant of every product of k that has two.
func planOf(t *testing.T, s *Store, k *kernel.Kernels) Plan {
	t.Helper()
	p := Plan{Machine: ThisMachine(k, s.Cores, s.Build)}
	all, err := contests(k)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range all {
		last := c.names[len(c.names)-1]
		p.Picks = append(p.Picks, Pick{c.product.String(), last, []Time{{c.names[0], 20}, {last, 10}}})
	}
	return p
}

func TestAStoredChoiceIsUsed(t *testing.T) {
	var log logtest.Log
	for _, k := range kernel.Available() {
		s := &Store{Dir: t.TempDir(), Cores: 2, Build: "one"}
		want := planOf(t, s, k)
		if err := s.save(want); err != nil {
			t.Fatal(err)
		}
		tuned := s.Kernels(k, log.Logger())
		for _, pick := range want.Picks {
			for _, p := range k.Products() {
				if p.String() == pick.Product && tuned.Variant(p) != pick.Variant {
					t.Errorf("%s, %v: %s is in use, want %s", k.Name(), p, tuned.Variant(p), pick.Variant)
				}
			}
		}
	}
	if log.String() != "" {
		t.Errorf("nothing was measured, but: %s", log.String())
	}
}

func TestAChoiceOfAnotherMachineOrBuildIsNotUsed(t *testing.T) {
	k := kernel.Best()
	s := &Store{Dir: t.TempDir(), Cores: 2, Build: "one"}
	if err := s.save(planOf(t, s, k)); err != nil {
		t.Fatal(err)
	}
	for name, other := range map[string]*Store{"cores": {s.Dir, 3, "one"}, "build": {s.Dir, 2, "two"}, "directory": {t.TempDir(), 2, "one"}} {
		if _, err := other.Load(k); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v, want none", name, err)
		}
	}
	for _, other := range append(kernel.Available(), kernel.Go()) { // none in a build without assembly
		if _, err := s.Load(other); other.Name() != k.Name() && !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("kernels %s: %v, want none", other.Name(), err)
		}
	}
	foreign := planOf(t, s, k)
	foreign.Machine.Kernels = "others"
	s.Dir = t.TempDir()
	if err := s.save(foreign); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Load(k); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a choice of other kernels: %v, want none", err)
	}
}

func TestABadFileIsRefused(t *testing.T) {
	k := kernel.Best()
	s := &Store{Dir: t.TempDir(), Cores: 2, Build: "one"}
	m := ThisMachine(k, s.Cores, s.Build)
	path, err := s.path(m)
	if err != nil {
		t.Fatal(err)
	}
	foreign := planOf(t, s, k)
	foreign.Machine.Cores = 64
	for name, write := range map[string]func() error{
		"no JSON":           func() error { return os.WriteFile(path, []byte("{"), 0o644) },
		"another's machine": func() error { return errors.Join(s.save(foreign), copyOver(s, foreign, path)) },
		"no such product": func() error {
			return s.save(Plan{Machine: m, Picks: []Pick{{"fp3 x 1 rows", "go", nil}}})
		},
	} {
		if err := write(); err != nil {
			t.Fatal(name, err)
		}
		if _, err := s.Load(k); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v, want an error that names %s", name, err, path)
		}
	}
}

// copyOver puts the file of a plan where another is expected.
func copyOver(s *Store, p Plan, path string) error {
	from, err := s.path(p.Machine)
	if err != nil {
		return err
	}
	return os.Rename(from, path)
}

func TestWhatCannotBeKeptIsStillChosen(t *testing.T) {
	var log logtest.Log
	k := kernel.Best()
	all, err := contests(k)
	if err != nil {
		t.Fatal(err)
	}
	if len(all) == 0 {
		t.Log("these kernels have no variants: nothing is measured")
		return
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	s := &Store{Dir: filepath.Join(file, "below"), Cores: 1}
	if got := s.Kernels(k, log.Logger()); got.Name() != k.Name() {
		t.Errorf("kernels %s", got.Name())
	}
	for _, want := range []string{"measured the kernels", "is not kept"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log lacks %q: %s", want, log.String())
		}
	}
}

func TestTheFirstProcessorIsRead(t *testing.T) {
	var m Machine
	m.readCPU(strings.NewReader("processor\t: 0\nvendor_id\t: AuthenticAMD\nmodel name\t: EPYC\nflags\t\t: fpu avx2\n\nprocessor\t: 1\nmodel name\t: other\n"))
	if m.CPU != "AuthenticAMD EPYC" || m.Flags != digest("fpu avx2") {
		t.Errorf("%+v", m)
	}
}

func TestThePlanSaysWhatDiffers(t *testing.T) {
	p := Plan{Picks: []Pick{
		{"int4 x 1 rows", "near", []Time{{"far", 110}, {"near", 100}}},
		{"int8 x 1 rows", "far", []Time{{"far", 100}, {"near", 110}}},
	}}
	if got, want := p.String(), "int4 x 1 rows: near (1.10 times the default)"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := (Plan{}).String(); got != "the defaults" {
		t.Errorf("%q", got)
	}
}
