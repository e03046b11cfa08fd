package cuda

import (
	"time"

	"github.com/hachi-serve/hachi/internal/backend"
)

// DefaultLook is how often a device without calls is looked at: a replica that routers
// leave idle is found to be lost before they need it.
const DefaultLook = time.Second

// watch asks the driver for something small at every look, until the device is closed or
// lost. It does not find a kernel that hangs: the call that waits for it does.
func (v *device) watch(look time.Duration) {
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		select {
		case <-v.ended:
			return
		case <-tick.C:
		}
		_ = v.use(func() error { // a fault that matters loses the device
			_, err := v.FreeMemory()
			return err
		})
		if v.lost.Load() != nil {
			return
		}
	}
}

// Failed implements backend.Mortal.
func (e *experts) Failed() <-chan *backend.LostError { return e.v.failed }

// Failed implements backend.Mortal.
func (d *dense) Failed() <-chan *backend.LostError { return d.v.failed }
