package httpapi

import "golang.org/x/sys/unix"

// halfClosed reports whether a connection is one whose peer has closed its side for
// writing, and that has not been reset since.
func halfClosed(conn tcpConn) bool {
	raw, err := conn.SyscallConn()
	if err != nil {
		return false
	}
	var info *unix.TCPInfo
	var failed error
	err = raw.Control(func(fd uintptr) {
		info, failed = unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
	})
	return err == nil && failed == nil && info.State == unix.BPF_TCP_CLOSE_WAIT
}
