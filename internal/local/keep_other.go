//go:build !linux

package local

import "net"

// keep leaves the choice of a port to each start of a child: this system lets no two
// sockets have one.
func (k *keptPorts) keep(host string) (addr string, err error) {
	return net.JoinHostPort(host, "0"), nil
}
