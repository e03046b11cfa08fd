package local

import (
	"errors"
	"net"
	"net/netip"
	"strconv"

	"golang.org/x/sys/unix"
)

// keep chooses a port that no other program gets by chance while k lives. The socket
// that holds the port is bound and does not listen: with SO_REUSEADDR a child can
// listen there, and while no child does, connections are refused (socket(7), tcp(7)).
func (k *keptPorts) keep(host string) (addr string, err error) {
	at, err := netip.ParseAddr(host)
	if err != nil {
		return "", err
	}
	port, err := k.hold(at)
	if errors.Is(err, unix.EADDRNOTAVAIL) {
		// The address is of another network namespace, where no other program listens.
		port, err = k.hold(netip.AddrFrom4([4]byte{127, 0, 0, 1}))
	}
	return net.JoinHostPort(host, strconv.Itoa(port)), err
}

// hold binds a socket to a free port.
func (k *keptPorts) hold(at netip.Addr) (port int, err error) {
	family, address := unix.AF_INET6, unix.Sockaddr(&unix.SockaddrInet6{Addr: at.As16()})
	if at.Is4() {
		family, address = unix.AF_INET, &unix.SockaddrInet4{Addr: at.As4()}
	}
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
		return 0, errors.Join(err, unix.Close(fd))
	}
	if err := unix.Bind(fd, address); err != nil {
		return 0, errors.Join(err, unix.Close(fd))
	}
	bound, err := unix.Getsockname(fd)
	if err != nil {
		return 0, errors.Join(err, unix.Close(fd))
	}
	switch bound := bound.(type) {
	case *unix.SockaddrInet4:
		port = bound.Port
	case *unix.SockaddrInet6:
		port = bound.Port
	}
	k.add(func() error { return unix.Close(fd) })
	return port, nil
}
