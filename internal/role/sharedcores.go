package role

import (
	"cmp"
	"errors"
	"log/slog"
	"runtime"

	"github.com/hachi-serve/hachi/internal/backend"
	"github.com/hachi-serve/hachi/internal/cores"
)

// AutoBudget is the core budget that the processes of a user share on a machine.
const AutoBudget = "auto"

// sharedCores is a process's part of the machine's cores. The zero value shares none.
type sharedCores struct{ member *cores.Member }

// joinCores joins the budget of the configuration, if it names one.
func (m ModelConfig) joinCores(log *slog.Logger) (sharedCores, error) {
	if m.CoreBudget == "" {
		return sharedCores{}, nil
	}
	path := m.CoreBudget
	if path == AutoBudget {
		path = cores.DefaultPath()
	}
	member, err := cores.Open(path, cmp.Or(m.Cores, runtime.GOMAXPROCS(0)))
	if err != nil {
		return sharedCores{}, &ConfigError{Err: &FieldError{Field: "model.coreBudget", Err: err}}
	}
	log.Info("shares the cores of the machine", "budget", path, "cores", member.Cores())
	return sharedCores{member}, nil
}

// asCores is nil where no cores are shared.
func (s sharedCores) asCores() backend.Cores {
	if s.member == nil {
		return nil
	}
	return s.member
}

func (s sharedCores) close() error {
	if s.member == nil {
		return nil
	}
	return s.member.Close()
}

// closedAfter leaves the budget when the device is closed.
func (s sharedCores) closedAfter(d backend.Device) backend.Device {
	if s.member == nil {
		return d
	}
	return sharingDevice{d, s}
}

type sharingDevice struct {
	backend.Device
	shared sharedCores
}

// Close implements backend.Device.
func (d sharingDevice) Close() error { return errors.Join(d.Device.Close(), d.shared.close()) }
