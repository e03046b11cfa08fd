package peers

import (
	"net"
	"net/netip"
	"sync"
)

// MaxConnections is the maximum of connections of one peer: more than a router runs
// and queues requests, so that a proxy in front of all clients is one peer.
const MaxConnections = 4096

// Listener is a TCP listener that bounds the connections of each peer.
type Listener struct {
	*net.TCPListener
	max int

	mu   sync.Mutex // guards open
	open map[netip.Prefix]int
}

// Bound bounds the connections of each peer to a listener. One that is not of TCP
// stays as it is.
func Bound(l net.Listener, maximum int) net.Listener {
	tcp, ok := l.(*net.TCPListener)
	if !ok {
		return l
	}
	return &Listener{TCPListener: tcp, max: maximum, open: map[netip.Prefix]int{}}
}

// Accept implements net.Listener.
func (l *Listener) Accept() (net.Conn, error) {
	for {
		c, err := l.AcceptTCP()
		if err != nil {
			return nil, err
		}
		peer, ok := peerOf(c.RemoteAddr())
		if !ok {
			return c, nil
		}
		if l.enter(peer) {
			return &conn{TCPConn: c, leave: sync.OnceFunc(func() { l.leave(peer) })}, nil
		}
		c.Close()
	}
}

// peerOf is the peer of an address; false for this machine.
func peerOf(addr net.Addr) (netip.Prefix, bool) {
	tcp, ok := addr.(*net.TCPAddr)
	if !ok {
		return netip.Prefix{}, false
	}
	ip := tcp.AddrPort().Addr().Unmap().WithZone("")
	if ip.IsLoopback() {
		return netip.Prefix{}, false
	}
	bits := 32
	if ip.Is6() {
		bits = 64
	}
	prefix, err := ip.Prefix(bits)
	return prefix, err == nil
}

func (l *Listener) enter(peer netip.Prefix) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[peer] >= l.max {
		return false
	}
	l.open[peer]++
	return true
}

func (l *Listener) leave(peer netip.Prefix) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[peer]--; l.open[peer] == 0 {
		delete(l.open, peer)
	}
}

// conn is a connection that counts until it is closed.
type conn struct {
	*net.TCPConn
	leave func()
}

// Close implements net.Conn.
func (c *conn) Close() error {
	err := c.TCPConn.Close()
	c.leave()
	return err
}
