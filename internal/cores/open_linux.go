package cores

import (
	"errors"
	"fmt"
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// startByte is locked while a file is made, memberBytes + i while a member owns slot i.
// They lie behind the content: a lock needs no byte of the file.
const (
	startByte   = layoutSize
	memberBytes = layoutSize + 1
)

// DefaultPath is where the processes of one user meet on this machine.
func DefaultPath() string {
	return fmt.Sprintf("/dev/shm/hachi-%d-cores-%d", os.Getuid(), version)
}

// Open joins the budget at path, which lies in shared memory, and makes the file if
// there is none. cores is the size of a new budget, and of one without living members:
// otherwise the budget stays as the first of them has made it.
//
// The file must belong to this user and be closed to others. A *FileError says what is
// wrong with it.
func Open(path string, cores int) (_ *Member, err error) {
	if cores < 1 || cores > MaxCores {
		return nil, fmt.Errorf("a budget of %d cores: want 1 to %d", cores, MaxCores)
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, &FileError{Path: path, Why: "cannot be opened", Err: err}
	}
	m := &Member{file: file, now: time.Now, seen: make([]sight, MaxMembers)}
	defer func() {
		if err != nil {
			err = errors.Join(err, m.unmap())
		}
	}()
	if err := m.own(path); err != nil {
		return nil, err
	}
	if err := lock(file, startByte, 2*time.Second); err != nil {
		return nil, &FileError{Path: path, Why: "another process starts and does not finish", Err: err}
	}
	defer func() { err = errors.Join(err, unlock(file, startByte)) }()
	if err := m.attach(path, cores); err != nil {
		return nil, err
	}
	return m, m.register(path)
}

// own refuses a file that another user could change.
func (m *Member) own(path string) error {
	var s unix.Stat_t
	if err := unix.Fstat(int(m.file.Fd()), &s); err != nil {
		return &FileError{Path: path, Why: "cannot be examined", Err: err}
	}
	switch {
	case s.Mode&unix.S_IFMT != unix.S_IFREG:
		return &FileError{Path: path, Why: "is no regular file", Hint: "name another one"}
	case int(s.Uid) != os.Getuid():
		return &FileError{Path: path, Why: fmt.Sprintf("belongs to user %d", s.Uid), Hint: "remove it, or name another one"}
	case s.Mode&0o077 != 0:
		return &FileError{Path: path, Why: fmt.Sprintf("is open to other users (mode %o)", s.Mode&0o777), Hint: "remove it, or name another one"}
	}
	return nil
}

// attach maps the file and writes the header of a new one. The start byte is locked.
func (m *Member) attach(path string, cores int) error {
	info, err := m.file.Stat()
	if err != nil {
		return &FileError{Path: path, Why: "cannot be examined", Err: err}
	}
	if size := info.Size(); size != 0 && size != layoutSize {
		return &FileError{Path: path, Why: fmt.Sprintf("has %d bytes, want %d", size, layoutSize), Hint: "it is no budget of this version; remove it, or name another one"}
	}
	if err := m.file.Truncate(layoutSize); err != nil {
		return &FileError{Path: path, Why: "cannot be enlarged", Err: err}
	}
	if m.mapped, err = unix.Mmap(int(m.file.Fd()), 0, int(layoutSize), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED); err != nil {
		return &FileError{Path: path, Why: "cannot be mapped", Err: err}
	}
	l := (*layout)(unsafe.Pointer(&m.mapped[0]))
	m.shared = l
	begun := l.magic.Load()
	if begun != 0 && (begun != magic || l.version != version || l.cores < 1 || l.cores > MaxCores) {
		return &FileError{Path: path, Why: "is no budget of this version", Hint: "remove it, or name another one"}
	}
	if begun == 0 || !m.anyone() {
		m.clear(cores)
	}
	m.cores = int(l.cores)
	return nil
}

// clear makes a budget without members.
func (m *Member) clear(cores int) {
	l := m.shared
	l.magic.Store(0)
	l.version, l.cores = version, uint32(cores)
	for i := range l.waiting {
		l.waiting[i].Store(0)
	}
	for i := range l.owners {
		l.owners[i].Store(0)
	}
	for i := range l.slots {
		l.slots[i].turn.Store(0)
	}
	l.magic.Store(magic)
}

// anyone reports whether some member lives.
func (m *Member) anyone() bool {
	for id := uint32(1); id <= MaxMembers; id++ {
		if !m.dead(id) {
			return true
		}
	}
	return false
}

// register takes a slot whose member is dead, or was never there.
func (m *Member) register(path string) error {
	for i := range int64(MaxMembers) {
		if lock(m.file, memberBytes+i, 0) != nil {
			continue
		}
		m.me = uint32(i + 1)
		m.withdraw(m.slot(m.me)) // what the dead one waited for
		m.Release()              // what it held
		return nil
	}
	return &FileError{Path: path, Why: fmt.Sprintf("%d processes share it", MaxMembers), Hint: "name another one"}
}

// dead reports that no process owns a slot.
func (m *Member) dead(id uint32) bool {
	l := unix.Flock_t{Type: unix.F_WRLCK, Start: memberBytes + int64(id-1), Len: 1}
	return unix.FcntlFlock(m.file.Fd(), unix.F_OFD_GETLK, &l) == nil && l.Type == unix.F_UNLCK
}

// Close gives everything back. No other method may be called any more.
func (m *Member) Close() error {
	m.Release()
	return m.unmap()
}

// unmap closes the file, which unlocks the slot.
func (m *Member) unmap() error {
	m.shared = nil
	if m.mapped != nil {
		if err := unix.Munmap(m.mapped); err != nil {
			return errors.Join(err, m.file.Close())
		}
	}
	return m.file.Close()
}

// lock locks one byte, and tries for a while.
func lock(f *os.File, at int64, within time.Duration) error {
	l := unix.Flock_t{Type: unix.F_WRLCK, Start: at, Len: 1}
	for began := time.Now(); ; time.Sleep(time.Millisecond) {
		err := unix.FcntlFlock(f.Fd(), unix.F_OFD_SETLK, &l)
		if err == nil || !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EACCES) || time.Since(began) >= within {
			return err
		}
	}
}

func unlock(f *os.File, at int64) error {
	l := unix.Flock_t{Type: unix.F_UNLCK, Start: at, Len: 1}
	return unix.FcntlFlock(f.Fd(), unix.F_OFD_SETLK, &l)
}
