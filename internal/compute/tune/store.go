package tune

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hachi-serve/hachi/internal/compute/kernel"
	"github.com/hachi-serve/hachi/internal/wholefile"
)

// Store keeps choices in the files of a directory, one for each machine, because
// machines may share it.
type Store struct {
	Dir   string // "" keeps nothing
	Cores int    // to compute with
	Build string // of the program
}

// Kernels is k with the variants that are chosen for this machine: those of a
// file, or else measured now. Whatever goes wrong is logged, and costs speed only; a
// nil log gets nothing.
func (s *Store) Kernels(k *kernel.Kernels, log *slog.Logger) *kernel.Kernels {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	plan, err := s.plan(k, log)
	if err == nil {
		var tuned *kernel.Kernels
		if tuned, err = plan.Apply(k); err == nil {
			return tuned
		}
	}
	log.Info("kernels are not measured: their defaults are used", "kernel", k.Name(), "err", err)
	return k
}

// Load reads the choice for this machine. That there is none is an fs.ErrNotExist.
func (s *Store) Load(k *kernel.Kernels) (Plan, error) {
	m := ThisMachine(k, s.Cores, s.Build)
	path, err := s.path(m)
	if err != nil {
		return Plan{}, err
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return Plan{}, err
	}
	var p Plan
	if err := json.Unmarshal(data, &p); err != nil {
		return Plan{}, fmt.Errorf("choice of kernels in %s: %w", path, err)
	}
	if p.Machine != m {
		return Plan{}, fmt.Errorf("choice of kernels in %s: it is of the machine %+v, this is %+v", path, p.Machine, m)
	}
	if _, err := p.Apply(k); err != nil {
		return Plan{}, fmt.Errorf("choice of kernels in %s: %w", path, err)
	}
	return p, nil
}

// plan loads a choice, or measures one and keeps it.
func (s *Store) plan(k *kernel.Kernels, log *slog.Logger) (Plan, error) {
	if p, err := s.Load(k); err == nil {
		return p, nil
	}
	unlock := s.lock()
	defer unlock()
	if p, err := s.Load(k); err == nil { // another process has measured meanwhile
		return p, nil
	}
	p, err := Measure(k, s.Cores, Budget)
	if err != nil {
		return p, err
	}
	p.Machine = ThisMachine(k, s.Cores, s.Build)
	if len(p.Picks) == 0 {
		return p, nil
	}
	log.Info("measured the kernels", "kernel", k.Name(), "took", p.Took.Round(time.Millisecond), "chosen", p.String())
	if err := s.save(p); err != nil {
		log.Info("the choice of kernels is not kept: it is measured at every start", "err", err)
	}
	return p, nil
}

func (s *Store) path(m Machine) (string, error) {
	if s.Dir == "" {
		return "", errors.New("there is no directory for the choice of kernels")
	}
	name, err := m.file()
	return filepath.Join(s.Dir, name), err
}

// lock waits until no other process measures into the directory. Where there is no
// lock to take, it does not wait.
func (s *Store) lock() (unlock func()) {
	none := func() {}
	if s.Dir == "" || os.MkdirAll(s.Dir, 0o755) != nil {
		return none
	}
	f, err := os.OpenFile(filepath.Join(s.Dir, "lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return none
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		_ = f.Close()
		return none
	}
	return func() { _ = f.Close() } // which unlocks
}

// save writes a choice whole or not at all.
func (s *Store) save(p Plan) error {
	path, err := s.path(p.Machine)
	if err != nil {
		return err
	}
	data, err := json.MarshalIndent(p, "", " ")
	if err != nil {
		return err
	}
	return wholefile.Write(path, append(data, '\n'), 0o644)
}
