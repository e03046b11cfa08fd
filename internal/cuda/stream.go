package cuda

import (
	"errors"
	"time"
	"unsafe"
)

// Stream is a queue of work on the device.
type Stream struct {
	d      *Driver
	handle uintptr
}

// NewStream makes a stream that does not wait for the default one.
func (v *Device) NewStream() (*Stream, error) {
	const nonBlocking = 1
	s := &Stream{d: v.d}
	if err := v.d.do(cuStreamCreate, uintptr(unsafe.Pointer(&s.handle)), nonBlocking); err != nil {
		return nil, err
	}
	return s, nil
}

// Close forgets the stream; its work goes on to its end.
func (s *Stream) Close() error { return s.d.do(cuStreamDestroy, s.handle) }

// Synchronize waits until all queued work has ended, and reports what failed.
func (s *Stream) Synchronize() error { return s.d.do(cuStreamSynchronize, s.handle) }

// Upload queues a copy from pinned host memory, which stays as it is until the copy
// has ended.
func (s *Stream) Upload(dst Pointer, src []byte) error {
	return s.d.do(cuMemcpyHtoDAsync, uintptr(dst), uintptr(unsafe.Pointer(unsafe.SliceData(src))), uintptr(len(src)), s.handle)
}

// Download queues a copy to pinned host memory, which stays until the copy has ended.
func (s *Stream) Download(dst []byte, src Pointer) error {
	return s.d.do(cuMemcpyDtoHAsync, uintptr(unsafe.Pointer(unsafe.SliceData(dst))), uintptr(src), uintptr(len(dst)), s.handle)
}

// Clear queues writing zeros to all of b.
func (s *Stream) Clear(b *Buffer) error {
	return s.d.do(cuMemsetD8Async, uintptr(b.Pointer), 0, uintptr(b.Size), s.handle)
}

// Event is a point in a stream.
type Event struct {
	d      *Driver
	handle uintptr
}

// NewEvent makes an event that keeps time.
func (v *Device) NewEvent() (*Event, error) {
	e := &Event{d: v.d}
	if err := v.d.do(cuEventCreate, uintptr(unsafe.Pointer(&e.handle)), 0); err != nil {
		return nil, err
	}
	return e, nil
}

// Close forgets the event.
func (e *Event) Close() error { return e.d.do(cuEventDestroy, e.handle) }

// Record puts e behind what s has queued.
func (s *Stream) Record(e *Event) error { return s.d.do(cuEventRecord, e.handle, s.handle) }

// Done reports whether the stream has reached e. An error may be that of any earlier
// work.
func (e *Event) Done() (bool, error) {
	err := e.d.do(cuEventQuery, e.handle)
	if errors.Is(err, &Error{Code: NotReady}) {
		return false, nil
	}
	return err == nil, err
}

// Since is the device's time from one event to a later one; both have been reached.
func (e *Event) Since(from *Event) (time.Duration, error) {
	var ms float32
	err := e.d.do(cuEventElapsedTime, uintptr(unsafe.Pointer(&ms)), from.handle, e.handle)
	return time.Duration(float64(ms) * float64(time.Millisecond)), err
}
