package cpu

import (
	"github.com/hachi-serve/hachi/internal/backend"
	"github.com/hachi-serve/hachi/internal/compute/kernel"
	"github.com/hachi-serve/hachi/internal/model"
)

// Family is that of the kernels, unless Options name another.
const Family = kernel.Family

// Backend is this package as one of a binary's backends.
func Backend() backend.Backend {
	return backend.Backend{Name: "cpu", Open: func(o backend.Options) (backend.Device, error) {
		kernels, err := kernel.Choose(o.Kernel)
		if err != nil {
			return nil, err
		}
		if o.Kernel == "" && o.Choices != nil {
			kernels = o.Choices.Kernels(kernels, o.Log)
		}
		if kernels, err = kernels.In(o.Numerics); err != nil {
			return nil, err
		}
		return Device{NewPool(PoolOptions{Threads: o.Threads, Kernels: kernels, Spin: o.Spin, Cores: o.Cores})}, nil
	}}
}

// Device is a pool of workers. Experts and Dense of one device take turns on it.
type Device struct{ Pool *Pool }

// Info implements backend.Device.
func (d Device) Info() backend.Info {
	return backend.Info{Family: d.Pool.Kernels().Family(), Kernel: d.Pool.Kernels().Name()}
}

// OpenExperts implements backend.Device.
func (d Device) OpenExperts(cfg model.Config, n model.Numerics) (backend.Experts, error) {
	return NewExperts(cfg, n, d.Pool), nil
}

// OpenDense implements backend.Device.
func (d Device) OpenDense(cfg model.Config, n model.Numerics, w model.DenseWeights) (backend.Dense, error) {
	return NewDense(cfg, w, DenseOptions{Numerics: n}, d.Pool)
}

// Close implements backend.Device.
func (d Device) Close() error {
	d.Pool.Close()
	return nil
}
