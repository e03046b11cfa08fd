package role

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime/debug"
	"sync"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// minHeap is what a process needs beside its caches to serve at all.
const minHeap = 64 << 20

// limitProcess bounds the memory of the process, of which reserved bytes are outside of
// the Go heap, and keeps that memory out of files.
func (c ClusterConfig) limitProcess(reserved int64) (*heapBound, error) {
	h, err := c.limitHeap(reserved)
	return h, errors.Join(c.forbidCoreDumps(), err)
}

// limitHeap bounds the memory of the Go runtime by the limit of the container: the
// collector works harder before the kernel kills the process. reserved bytes are
// outside the Go heap. GOMEMLIMIT in the environment wins. Mapped weights count for
// the container too, but the kernel drops their pages first.
// A process that holds several roles is the importer's, and so is its memory. A nil bound
// is not bounded.
func (c ClusterConfig) limitHeap(reserved int64) (*heapBound, error) {
	if c.InProcess != nil || os.Getenv("GOMEMLIMIT") != "" {
		return nil, nil
	}
	container, err := memlimit.FromCgroup()
	switch {
	case errors.Is(err, memlimit.ErrNoLimit), errors.Is(err, memlimit.ErrNoCgroup), errors.Is(err, memlimit.ErrCgroupsNotSupported), errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		c.Logger.Info("the memory limit of the container is unknown", "error", err)
		return nil, nil
	}
	limit, err := heapLimit(container, reserved)
	if err != nil {
		return nil, err
	}
	debug.SetMemoryLimit(limit)
	c.Logger.Info("limited the memory of the Go runtime", "bytes", limit, "container", container, "reserved", reserved)
	return &heapBound{container: container, set: debug.SetMemoryLimit}, nil
}

// heapBound is the bound of the Go heap of a process whose other memory changes: the weights of
// experts that it quantized or fetched, which the kernel cannot drop.
type heapBound struct {
	container uint64
	set       func(limit int64) int64

	mu   sync.Mutex // guards held
	held int64      // bytes outside the Go heap
}

// hold counts bytes that the process has outside the Go heap; fewer than 0 have been given
// back. The heap keeps minHeap.
func (h *heapBound) hold(bytes int64) {
	if h == nil || bytes == 0 {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.held += bytes
	limit, err := heapLimit(h.container, h.held)
	if err != nil {
		limit = minHeap
	}
	h.set(limit)
}

// heapLimit leaves a tenth of what is not reserved to stacks of C, page tables and
// the pages of weights that are in use.
func heapLimit(container uint64, reserved int64) (int64, error) {
	limit := int64(min(container, 1<<62)) - reserved
	if reserved == 0 && limit < minHeap {
		return 0, &ConfigError{Err: fmt.Errorf("this container has %d bytes: at least %d are needed, choose a larger limit", container, minHeap)}
	}
	if limit < minHeap {
		return 0, &ConfigError{Err: &FieldError{Field: "serving.kvCacheMemory", Err: fmt.Errorf(
			"%d bytes do not fit the %d bytes of this container: %d more are needed, choose a smaller cache or a larger limit", reserved, container, minHeap-limit)}}
	}
	return limit / 10 * 9, nil
}
