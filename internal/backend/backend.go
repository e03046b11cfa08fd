package backend

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/compute/tune"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/moe"
)

// Backend is one way to compute. A binary lists its backends in cmd.
type Backend struct {
	Name string // as --backend names it
	Open func(Options) (Device, error)
}

// Options are what every backend is opened with. A backend ignores what it has
// no use for.
type Options struct {
	// Threads is the number of cores to compute with; 0 is all of them.
	Threads int
	// Kernel names the loops to use; the fastest when empty.
	Kernel string
	// Choices keep what was measured of the variants of the fastest loops; nil
	// measures nothing, and loops that Kernel names are used as they are.
	Choices *tune.Store
	// Numerics names the family that a processor computes in, see kernel.Numerics;
	// its default when empty.
	Numerics string
	// Device is the number of the accelerator to use.
	Device int
	// Attention lets an accelerator compute a Dense too, which else the processor does.
	// It is the same in every process of a cluster: Info's Family says who computes it.
	Attention bool
	// Spin is how long an idle worker polls for work before it parks.
	Spin time.Duration
	// Cores are those that a processor shares with other processes; nil shares none.
	Cores Cores
	// ExpertFamily is the numerics family that experts of the cluster are computed in;
	// empty is the device's own. A device that computes in another is of no use.
	ExpertFamily string
	// Sidecar is the command of SidecarHelpers helper processes, 0 for one: package
	// sidecar.
	Sidecar        string
	SidecarHelpers int
	// Log gets what happens to a device at run time; nil is silent.
	Log *slog.Logger
}

// Device is an opened backend: the workers of a processor, the context of an
// accelerator. What it opens shares it.
type Device interface {
	Info() Info
	OpenExperts(model.Config, model.Numerics) (Experts, error)
	// OpenDense borrows the weights until the Dense is closed.
	OpenDense(model.Config, model.Numerics, model.DenseWeights) (Dense, error)
	// Close ends the device. Everything opened on it has been closed.
	Close() error
}

// Info describes a device.
type Info struct {
	// Family names the order of operations and the semantics of instructions.
	// It is part of the fingerprint: two families never serve one placement.
	Family string
	// ExpertFamily is that of the experts, where a device computes them in another
	// family than the rest; else it is empty.
	ExpertFamily string
	// Kernel is what the device runs, for people.
	Kernel string
}

// FamilyWith is the family of a cluster whose experts are computed in a family, on
// other devices; empty is this device's own. It is what enters the fingerprint.
func (i Info) FamilyWith(experts string) string {
	experts = cmp.Or(experts, i.ExpertFamily, i.Family)
	if experts == i.Family {
		return i.Family
	}
	return i.Family + ", experts " + experts
}

// Experts computes the experts that are loaded. It is safe for concurrent use.
type Experts interface {
	model.FFN
	// Load makes an expert computable. The weights stay borrowed until Unload.
	// A backend that copies them has copied them when Load returns.
	Load(context.Context, moe.ExpertID, model.ExpertWeights) error
	// Unload forgets an expert. When it returns, no computation touches the
	// weights.
	Unload(moe.ExpertID) error
	Close() error
}

// OwnMemory is implemented by Experts that hold copies of weights in memory of their
// own.
type OwnMemory interface {
	// Borrows reports whether weights stay borrowed until Unload all the same, for
	// example to be copied again. Else they are not read after Load.
	Borrows() bool
	// Capacity is the memory for weights in bytes, while none is loaded; 0 is unknown.
	Capacity() int64
	// ExpertBytes is what an expert of a format takes of it.
	ExpertBytes(tensor.DType) int64
}

// HostMemory is implemented by Experts whose device copies rows from and to some memory
// by itself. Rows may lie elsewhere; then a processor copies them once more.
type HostMemory interface {
	// HostMemory lends n bytes of unknown content until release is called, once. They
	// stay valid until the device is closed.
	HostMemory(n int) (b []byte, release func())
}

// Mortal is implemented by Experts or a Dense that find out without a call that their
// device is lost.
type Mortal interface {
	// Failed delivers what calls fail with. The process that computes with the device
	// must end: others then take over.
	Failed() <-chan *LostError
}

// Dense is the attention node's half of the model with its KV cache.
type Dense interface {
	model.Dense
	// KVBlockBytes is the memory of one block of model.BlockSize positions, over
	// all layers.
	KVBlockBytes() int64
	// ReserveKV allocates the cache, before the first Embed. Blocks are numbered
	// from 0.
	ReserveKV(blocks int) error
	// Close frees the cache and gives the weights back.
	Close() error
}

// OwnCache is implemented by a Dense whose KV cache is in memory of a device.
type OwnCache interface {
	// CacheCapacity is the memory for the cache in bytes, while none is reserved.
	CacheCapacity() (int64, error)
}

// CheckExpert finds what is wrong with the weights of an expert.
func CheckExpert(cfg model.Config, id moe.ExpertID, w model.ExpertWeights) error {
	for _, m := range []struct {
		name       string
		got        tensor.Weight
		rows, cols int
	}{{"w1", w.W1, cfg.FFN, cfg.Hidden}, {"w2", w.W2, cfg.Hidden, cfg.FFN}, {"w3", w.W3, cfg.FFN, cfg.Hidden}} {
		if g := m.got; g.Rows != m.rows || g.Cols != m.cols || len(g.Data) != g.DType.Bytes(m.rows, m.cols) {
			return fmt.Errorf("expert %v: %s is [%d, %d] in %d bytes, expected [%d, %d] %v", id, m.name, g.Rows, g.Cols, len(g.Data), m.rows, m.cols, g.DType)
		}
	}
	if w.W1.DType.Quantized() != w.W3.DType.Quantized() {
		return fmt.Errorf("expert %v: w1 is %v and w3 %v, expected both quantized or none", id, w.W1.DType, w.W3.DType)
	}
	return nil
}

// Find is the backend of a name. The error lists the names there are.
func Find(all []Backend, name string) (Backend, error) {
	at := slices.IndexFunc(all, func(b Backend) bool { return b.Name == name })
	if at < 0 {
		return Backend{}, fmt.Errorf("this binary has %s", strings.Join(Names(all), ", "))
	}
	return all[at], nil
}

// Names lists backends for people.
func Names(all []Backend) []string {
	var names []string
	for _, b := range all {
		names = append(names, b.Name)
	}
	return names
}
