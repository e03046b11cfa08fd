package sidecar

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// sealed forbids every process that has the file to change its size: a page that is mapped stays.
const sealed = unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_SEAL

// newShared makes zeroed memory that another process can map by its file.
func newShared(name string, size int64) (*shared, error) {
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return nil, fmt.Errorf("memory to share: %w", err)
	}
	s := &shared{file: os.NewFile(uintptr(fd), name)}
	if err := s.fill(size); err != nil {
		return nil, fmt.Errorf("%d bytes of memory to share: %w", size, errors.Join(err, s.close()))
	}
	return s, nil
}

func (s *shared) fill(size int64) (err error) {
	fd := int(s.file.Fd())
	if err := unix.Ftruncate(fd, size); err != nil {
		return err
	}
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, sealed); err != nil {
		return err
	}
	s.bytes, err = unix.Mmap(fd, 0, int(size), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	return err
}

func unmap(b []byte) error { return unix.Munmap(b) }

// attributes make the kernel kill a helper when the thread that started it ends, and
// put the helper into a process group of its own.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// ownPeer reports whether a process of this user is at the other end.
func ownPeer(fd int) (bool, error) {
	peer, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err != nil {
		return false, err
	}
	return int(peer.Uid) == os.Geteuid(), nil
}
