package cuda

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hachi-serve/hachi/internal/backend"
	"github.com/hachi-serve/hachi/internal/backend/cpu"
	"github.com/hachi-serve/hachi/internal/compute/kernel"
	"github.com/hachi-serve/hachi/internal/compute/tensor"
	driver "github.com/hachi-serve/hachi/internal/cuda"
	"github.com/hachi-serve/hachi/internal/model"
)

// Config says what a binary's backend opens.
type Config struct {
	// Open opens the driver's library.
	Open func() (driver.Library, error)
	// Patience is how long a call may take on the device before the device counts as
	// lost; 0 is DefaultPatience.
	Patience time.Duration
	// Look is how often the driver is asked whether the device is lost; 0 is DefaultLook.
	Look time.Duration
}

// DefaultPatience is far above any call: one of 1,024 rows takes milliseconds.
const DefaultPatience = 10 * time.Second

// Backend is this package as one of a binary's backends.
func Backend(c Config) backend.Backend {
	if c.Patience == 0 {
		c.Patience = DefaultPatience
	}
	if c.Look == 0 {
		c.Look = DefaultLook
	}
	return backend.Backend{Name: "cuda", Open: func(o backend.Options) (backend.Device, error) { return open(c, o) }}
}

// device is an opened GPU.
type device struct {
	*driver.Device
	options  backend.Options
	patience time.Duration
	yields   bool   // between looks at an event
	label    string // for people
	lost     atomic.Pointer[backend.LostError]
	failed   chan *backend.LostError // of one, which lose fills
	ended    chan struct{}           // closed by Close
	watching sync.WaitGroup
	kernels  *kernels
	pinned   hostMemory
	host     backend.Device // computes Dense without Options.Attention; nil until one is opened
}

func open(c Config, o backend.Options) (backend.Device, error) {
	if o.Numerics != "" && o.Numerics != kernel.Numerics()[0] {
		return nil, &backend.UnsupportedError{Backend: "cuda", Found: "numerics " + o.Numerics, Want: "its attention on the processor has one family: leave it empty"}
	}
	lib, err := c.Open()
	if err != nil {
		return nil, err
	}
	d, err := driver.Open(lib)
	if err != nil {
		return nil, err
	}
	gpu, err := d.Device(o.Device)
	if err != nil {
		return nil, fmt.Errorf("device %d: %w", o.Device, err)
	}
	v := &device{Device: gpu, options: o, patience: c.Patience, yields: runtime.GOMAXPROCS(0) <= fewProcessors, label: fmt.Sprintf("device %d, %s", o.Device, gpu.Name),
		failed: make(chan *backend.LostError, 1), ended: make(chan struct{})}
	v.pinned.v, v.pinned.limit = v, maxPinned
	if err := v.Do(func() (err error) {
		v.kernels, err = loadKernels(gpu, o.Kernel)
		return err
	}); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", v.label, err), gpu.Close())
	}
	v.watching.Go(func() { v.watch(c.Look) })
	return v, nil
}

// Info implements backend.Device.
func (v *device) Info() backend.Info {
	info := backend.Info{Family: cpu.Family, ExpertFamily: familyOf(v.Major, v.Minor), Kernel: v.kernels.name + " on " + v.Name}
	if v.options.Attention {
		info.Family = fmt.Sprintf("%s-t%d", info.ExpertFamily, tilePositions)
	}
	return info
}

// familyOf is the numerics family of a compute capability: of experts. That of attention
// names the tile of positions too.
func familyOf(major, minor int) string { return fmt.Sprintf("cuda-sm%d%d-k16", major, minor) }

// OpenExperts implements backend.Device.
func (v *device) OpenExperts(cfg model.Config, n model.Numerics) (backend.Experts, error) {
	if n.Wire != tensor.BF16 {
		return nil, &backend.UnsupportedError{Backend: "cuda", Found: fmt.Sprintf("rows in %v", n.Wire), Want: "tensor cores multiply bf16: use a checkpoint in bf16"}
	}
	if n.FFNActivation != tensor.BF16 {
		return nil, &backend.UnsupportedError{Backend: "cuda", Found: fmt.Sprintf("FFN activations in %v", n.FFNActivation),
			Want: "tensor cores multiply bf16: start every process of the cluster with --ffn-activation-dtype bf16"}
	}
	return newExperts(v, shapeOf(cfg), cfg)
}

// OpenDense implements backend.Device: without Options.Attention the processor computes
// it.
func (v *device) OpenDense(cfg model.Config, n model.Numerics, w model.DenseWeights) (backend.Dense, error) {
	if v.options.Attention {
		d, err := newDense(v, cfg, n, w)
		if err != nil {
			return nil, err // not a nil *dense
		}
		return d, nil
	}
	if v.host == nil {
		host, err := cpu.Backend().Open(backend.Options{Threads: v.options.Threads, Spin: v.options.Spin, Choices: v.options.Choices, Log: v.options.Log})
		if err != nil {
			return nil, err
		}
		v.host = host
	}
	return v.host.OpenDense(cfg, n, w)
}

// Close implements backend.Device. The end of the process frees what a lost device
// holds, and memory that is still lent, of a message on its way, say.
func (v *device) Close() error {
	close(v.ended)
	v.watching.Wait()
	var all []error
	if v.host != nil {
		all = append(all, v.host.Close())
	}
	returned := false
	all = append(all, unlessLost(v.use(func() (err error) {
		returned, err = v.pinned.close()
		return errors.Join(err, v.kernels.unload())
	})))
	if returned {
		all = append(all, unlessLost(v.whileFound(v.Device.Close)))
	}
	return errors.Join(all...)
}

// use runs work on the device, unless the device is lost; a sticky fault loses it.
func (v *device) use(work func() error) error {
	return v.whileFound(func() error { return v.Do(work) })
}

// whileFound runs work that needs no context, unless the device is lost.
func (v *device) whileFound(work func() error) error {
	if lost := v.lost.Load(); lost != nil {
		return lost
	}
	err := work()
	if driver.Sticky(err) {
		return v.lose(err)
	}
	return err
}

// lose marks the device as lost, and delivers that once.
func (v *device) lose(why error) error {
	lost := &backend.LostError{Device: v.label, Err: why}
	if v.lost.CompareAndSwap(nil, lost) {
		v.failed <- lost
	}
	return v.lost.Load()
}
