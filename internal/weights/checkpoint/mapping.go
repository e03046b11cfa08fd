package checkpoint

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"

	"golang.org/x/sys/unix"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
)

// hugePage is the unit in which the view of a file is aligned. Where the page
// cache holds a file in pages of this size, a view that covers a page whole
// maps it with one entry, and kernels read it faster (docs/adr/0015). A tensor
// smaller than that is not worth what the page holds beside it.
const hugePage = 2 << 20

// mapping is a read-only view of one tensor's bytes.
type mapping struct {
	whole  []byte // whole pages, as mapped; the last huge one may end behind the file
	data   []byte // the tensor inside them
	file   string
	tensor string
}

func mapTensor(t located) (mapping, error) {
	if err := t.file.checkUnchanged(); err != nil {
		return mapping{}, err
	}
	align := int64(hugePage)
	if t.bytes < align/2 {
		align = int64(os.Getpagesize())
	}
	lead := t.offset % align
	size := (lead + t.bytes + align - 1) / align * align
	whole, err := unix.Mmap(int(t.file.f.Fd()), t.offset-lead, int(size), unix.PROT_READ, unix.MAP_SHARED)
	runtime.KeepAlive(t.file.f)
	if err != nil {
		return mapping{}, &Error{File: t.file.path, Tensor: t.Name, Fault: Unreadable, Err: os.NewSyscallError("mmap", err)}
	}
	return mapping{whole: whole, data: whole[lead : lead+t.bytes : lead+t.bytes], file: t.file.path, tensor: t.Name}, nil
}

// mappings are the tensors of one map; they live and die together.
type mappings struct {
	list   []mapping
	warmed byte // keeps the reads of Touch from being optimized away
}

// weight maps a tensor and returns the view a kernel reads.
func (m *mappings) weight(t located) (tensor.Weight, error) {
	mp, err := mapTensor(t)
	if err != nil {
		return tensor.Weight{}, err
	}
	m.list = append(m.list, mp)
	return tensor.Weight{DType: t.dtype, Rows: t.Rows, Cols: t.Cols, Data: mp.data}, nil
}

// Bytes is the size of the mapped weights.
func (m *mappings) Bytes() int64 {
	var n int64
	for _, mp := range m.list {
		n += int64(len(mp.data))
	}
	return n
}

// Touch reads one byte of every page, so that loading pays for the page faults
// and the first request does not. progress, which may be nil, gets the bytes
// done and in total. It stops early when ctx ends, or when a page cannot be
// read. Not safe for concurrent use.
func (m *mappings) Touch(ctx context.Context, progress func(done, total int64)) error {
	const stride = 4 << 20
	page, total, done := os.Getpagesize(), m.Bytes(), int64(0)
	for _, mp := range m.list {
		// Hints: without them the pages still come, by small faults. A fault in memory
		// for which huge pages are advised reads all of one; WILLNEED would read it as
		// small ones, which stay small.
		advice := unix.MADV_HUGEPAGE
		if len(mp.whole) < hugePage {
			advice = unix.MADV_WILLNEED
		}
		_ = unix.Madvise(mp.whole, advice)
	}
	for _, mp := range m.list {
		for at := 0; at < len(mp.data); at += stride {
			if err := ctx.Err(); err != nil {
				return err
			}
			part := mp.data[at:min(at+stride, len(mp.data))]
			x, err := fault(part, page)
			if err != nil {
				return &Error{File: mp.file, Tensor: mp.tensor, Fault: Unreadable, Err: err}
			}
			m.warmed ^= x
			done += int64(len(part))
			if progress != nil {
				progress(done, total)
			}
		}
	}
	return nil
}

// fault reads one byte of every page of b. A page that the disk, or a file
// made shorter, cannot deliver is an error here and not the end of the process.
func fault(b []byte, page int) (x byte, err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("a mapped page cannot be read: %v", r)
		}
	}()
	for i := 0; i < len(b); i += page {
		x ^= b[i]
	}
	return x ^ b[len(b)-1], nil
}

// unmap gives the memory back. A second call does nothing.
func (m *mappings) unmap() error {
	var errs []error
	for _, mp := range m.list {
		errs = append(errs, os.NewSyscallError("munmap", unix.Munmap(mp.whole)))
	}
	m.list = nil
	return errors.Join(errs...)
}
