package doctor

import (
	"slices"
	"strings"
)

// judgeDevice reports a backend that this binary does not have, or that does not open.
func judgeDevice(f Facts, out *findings) {
	d := f.Device
	if d == nil {
		return
	}
	if !slices.Contains(d.Backends, d.Backend) {
		out.add(Fault, "--backend "+d.Backend, "use one of those, or the binary that has it (docs/accelerators.md)", "this binary has %s", strings.Join(d.Backends, ", "))
		return
	}
	if d.Err != "" {
		out.add(Fault, "--backend "+d.Backend, "docs/accelerators.md: the driver must be there (`nvidia-smi`), the binary built by `make build-cuda`, and the device's number below their count", "device %d does not open: %s", d.Number, d.Err)
	}
}
