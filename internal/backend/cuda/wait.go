package cuda

import (
	"errors"
	"fmt"
	"runtime"
	"time"

	driver "github.com/hachi-serve/hachi/internal/cuda"
)

// spin is how long a call polls before it sleeps between looks: longer than any step
// takes. A sleep of less than a millisecond takes one, as long as many launches.
const spin = 5 * time.Millisecond

// fewProcessors is how many leave none to spare for a call that polls: it yields
// between looks then. To yield takes microseconds, since a context binds its thread.
const fewProcessors = 2

// errHung says that a kernel does not end.
var errHung = errors.New("the device has not finished a call")

// await waits until the stream has done what is queued. It gives up on a device that
// takes longer than its patience: the device is lost then, since no call of the driver
// ends a kernel.
func (v *device) await(s *driver.Stream, done *driver.Event) error {
	if err := s.Record(done); err != nil {
		return err
	}
	return v.awaitEvent(done)
}

// awaitEvent waits as await does, until a stream has reached an event.
func (v *device) awaitEvent(done *driver.Event) error {
	started := time.Now()
	for {
		over, err := done.Done()
		if over || err != nil {
			return err
		}
		switch waited := time.Since(started); {
		case waited > v.patience:
			return v.lose(fmt.Errorf("%w in %v: see the Xid of the device in dmesg, and restart this process", errHung, v.patience))
		case waited < spin:
			if v.yields {
				runtime.Gosched()
			}
		default:
			time.Sleep(min(waited/16, 10*time.Millisecond))
		}
	}
}

// closing closes what a failed open has made, unless the fault lost the device.
func (v *device) closing(err error, all []driver.Closer) error {
	if driver.Sticky(err) {
		return err
	}
	return errors.Join(err, driver.CloseAll(all))
}
