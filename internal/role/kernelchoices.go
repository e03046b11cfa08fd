package role

import (
	"log/slog"
	"os"
	"path/filepath"
	"runtime"

	"github.com/hachi-serve/hachi/internal/compute/kernel"
	"github.com/hachi-serve/hachi/internal/compute/tune"
	"github.com/hachi-serve/hachi/internal/version"
)

// KernelChoices is where the choices of kernels of this user are kept. Processes that
// compute on fewer cores than the machine has use the choice for all of them: together
// they share its memory.
func KernelChoices() *tune.Store {
	s := &tune.Store{Cores: min(runtime.NumCPU(), runtime.GOMAXPROCS(0)), Build: version.Line()}
	if cache, err := os.UserCacheDir(); err == nil {
		s.Dir = filepath.Join(cache, "hachi", "kernels")
	}
	return s
}

// MeasureKernels chooses the kernels of this machine, unless HACHI_KERNEL names them or
// a choice is kept, before a process starts others that would all measure at once.
func MeasureKernels(log *slog.Logger) {
	if os.Getenv("HACHI_KERNEL") == "" {
		KernelChoices().Kernels(kernel.Best(), log)
	}
}
