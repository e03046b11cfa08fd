package peers

import (
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// drainWithin bounds the wait for a loop that accepts no more.
const drainWithin = time.Second

// Drain waits until the loop that accepts has taken every connection that the kernel
// holds for a listener, and lets the kernel queue no more behind them. When a listener
// closes, the kernel resets the connections that it holds, although their clients are
// connected and may have sent a request. The kernel leaves a client that connects
// afterwards without an answer until the listener closes, and then refuses it: such a
// client has sent no request.
//
// References: listen(2), where a second call sets the length of the queue; tcp(7),
// TCP_INFO, whose tcpi_unacked is the length of the queue of a socket that listens.
func Drain(l net.Listener) {
	socket, ok := l.(syscall.Conn)
	if !ok {
		return
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return
	}
	queueNone := func(fd uintptr) { err = unix.Listen(int(fd), 0) }
	if raw.Control(queueNone) != nil || err != nil {
		return
	}
	for end := time.Now().Add(drainWithin); queued(raw) > 0 && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
}

// queued is how many connections the kernel holds for a socket that listens; none if it
// is closed.
func queued(raw syscall.RawConn) (n uint32) {
	_ = raw.Control(func(fd uintptr) {
		if info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO); err == nil {
			n = info.Unacked
		}
	})
	return n
}
