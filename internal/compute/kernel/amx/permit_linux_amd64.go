//go:build !purego

package amx

import (
	"errors"
	"fmt"

	"golang.org/x/sys/cpu"
	"golang.org/x/sys/unix"
)

const (
	requestPermission = 0x1023 // ARCH_REQ_XCOMP_PERM
	tileData          = 18     // the number of the state
	tileStates        = 3 << 17
	minSignalStack    = 51       // AT_MINSIGSTKSZ
	signalStack       = 32 << 10 // of a thread of Go
)

// Permit asks Linux for the state of tiles, for this process. The error says what
// is missing.
func Permit() error {
	x := &cpu.X86
	if !x.HasAMXTile || !x.HasAMXInt8 || !x.HasAMXBF16 {
		return errors.New("this processor has no AMX")
	}
	if !x.HasOSXSAVE || Enabled()&tileStates != tileStates {
		return errors.New("the system does not save the tiles of AMX: Linux 5.16 or later is needed")
	}
	if need := frameSize(); need > signalStack {
		return fmt.Errorf("a signal needs %d bytes of stack, threads have %d", need, signalStack)
	}
	if _, _, errno := unix.RawSyscall(unix.SYS_ARCH_PRCTL, requestPermission, tileData, 0); errno != 0 {
		return fmt.Errorf("ask Linux for the tiles of AMX: %w", errno)
	}
	return nil
}

// frameSize is what Linux says that a signal takes of a stack; 0 if it says nothing.
func frameSize() uintptr {
	values, err := unix.Auxv()
	if err != nil {
		return 0
	}
	for _, v := range values {
		if v[0] == minSignalStack {
			return v[1]
		}
	}
	return 0
}
