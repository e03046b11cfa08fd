package cuda

import (
	_ "embed"
	"errors"
	"fmt"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	driver "github.com/hachi-serve/hachi/internal/cuda"
)

// The compiled kernels, which `make cubin` writes.
var (
	//go:embed image/wgmma.cubin
	wgmmaCubin []byte
	//go:embed image/portable.cubin
	portableCubin []byte
	//go:embed image/portable.ptx
	portablePTX []byte
	//go:embed image/dense.cubin
	denseCubin []byte
	//go:embed image/dense.ptx
	densePTX []byte
	//go:embed image/support.cubin
	supportCubin []byte
	//go:embed image/support.ptx
	supportPTX []byte
)

// Names of kernels, for HACHI_KERNEL.
const (
	wgmmaKernel    = "wgmma"
	portableKernel = "mma"
)

// minMajor is the oldest compute capability whose tensor cores multiply bf16.
const minMajor = 8

// kernels are the functions on a device.
type kernels struct {
	name     string // wgmmaKernel, or portableKernel for every format
	sms      int
	shared   int
	overlap  bool // kernels wait for the launch ahead by themselves
	modules  []*driver.Module
	products map[string]*driver.Function
	dense    map[string]*driver.Function // of dense.cu
	tile     *driver.Function
	gather   *driver.Function
	frags    *driver.Function // gather_fragments
	sweep    *driver.Function
}

// loadKernels loads the code for a device. The cubins are for sm_90a; for another GPU
// the driver compiles PTX.
func loadKernels(v *driver.Device, want string) (*kernels, error) {
	if v.Major < minMajor {
		return nil, fmt.Errorf("compute capability %d.%d, expected 8.0 or later: its tensor cores do not multiply bf16", v.Major, v.Minor)
	}
	hopper := v.Major == 9 && v.Minor == 0
	k := &kernels{name: want, sms: v.SMs, shared: v.Shared, products: map[string]*driver.Function{}, dense: map[string]*driver.Function{}}
	switch {
	case want == "" && hopper:
		k.name = wgmmaKernel
	case want == "":
		k.name = portableKernel
	case want == wgmmaKernel && !hopper || want != wgmmaKernel && want != portableKernel:
		return nil, fmt.Errorf("kernel %q on compute capability %d.%d, expected %s, or %s on 9.0", want, v.Major, v.Minor, portableKernel, wgmmaKernel)
	}
	code, dense, portable := supportPTX, densePTX, portablePTX
	if k.overlap = hopper; hopper {
		code, dense, portable = supportCubin, denseCubin, portableCubin
	}
	support, err := k.module(v, code)
	if err != nil {
		return nil, fmt.Errorf("support: %w", err)
	}
	for name, to := range map[string]**driver.Function{"tile": &k.tile, "gather": &k.gather, "gather_fragments": &k.frags, "sweep": &k.sweep} {
		if *to, err = support.Function(name); err != nil {
			return nil, fmt.Errorf("kernel %s: %w", name, err)
		}
	}
	if err := k.loadDense(v, dense); err != nil {
		return nil, err
	}
	return k, k.loadProducts(v, portable)
}

// loadDense loads the kernels of dense.cu.
func (k *kernels) loadDense(v *driver.Device, code []byte) error {
	m, err := k.module(v, code)
	if err != nil {
		return fmt.Errorf("kernels of attention: %w", err)
	}
	for _, name := range denseNames() {
		if k.dense[name], err = m.Function(name); err != nil {
			return fmt.Errorf("kernel %s: %w", name, err)
		}
	}
	return nil
}

// loadProducts loads every product kernel that the device runs.
func (k *kernels) loadProducts(v *driver.Device, portable []byte) error {
	m, err := k.module(v, portable)
	if err != nil {
		return fmt.Errorf("portable kernels: %w", err)
	}
	for _, format := range portableFormats {
		for _, product := range productsOf(format) {
			for n := minTile; n <= maxPortableTile; n *= 2 {
				if err := k.product(m, portableName(product, format, n), 0); err != nil {
					return err
				}
			}
		}
	}
	if k.name != wgmmaKernel {
		return nil
	}
	if m, err = k.module(v, wgmmaCubin); err != nil {
		return fmt.Errorf("wgmma.cubin: %w", err)
	}
	for _, format := range portableFormats {
		for _, product := range productsOf(format) {
			for n := minTile; n <= k.maxTile(format); n *= 2 {
				for _, w := range variants(product, format, n) {
					if err := k.product(m, w.kernel(product, format), v.Shared); err != nil {
						return err
					}
				}
			}
		}
	}
	return nil
}

// productsOf are the products that a format has kernels of.
func productsOf(format tensor.DType) []string {
	if format == tensor.BF16 {
		return []string{upProduct, downProduct, wideProduct}
	}
	return []string{upProduct, downProduct}
}

// module loads code and keeps it.
func (k *kernels) module(v *driver.Device, code []byte) (*driver.Module, error) {
	m, err := v.Load(code)
	if err == nil {
		k.modules = append(k.modules, m)
	}
	return m, err
}

// product finds a kernel; shared is the dynamic shared memory that it may ask for.
func (k *kernels) product(m *driver.Module, name string, shared int) error {
	f, err := m.Function(name)
	if err != nil {
		return fmt.Errorf("kernel %s: %w", name, err)
	}
	k.products[name] = f
	if shared == 0 {
		return nil
	}
	return f.AllowShared(shared)
}

// wgmma reports whether products are those of wgmma.cu.
func (k *kernels) wgmma() bool { return k.name == wgmmaKernel }

// maxTile is the largest N of a format's kernels.
func (k *kernels) maxTile(format tensor.DType) int {
	switch {
	case !k.wgmma():
		return maxPortableTile
	case format == tensor.BF16:
		return maxWGMMATile
	}
	return maxQuantizedTile
}

// runProduct queues a product in a format.
func (k *kernels) runProduct(v *driver.Device, s *driver.Stream, product string, format tensor.DType, o operands) error {
	if !k.wgmma() {
		return k.runPortable(s, product, format, o)
	}
	return k.runVariant(v, s, product, format, k.pick(product, format, o), o)
}

// unload forgets the code.
func (k *kernels) unload() error {
	var all []error
	for _, m := range k.modules {
		all = append(all, m.Unload())
	}
	return errors.Join(all...)
}
