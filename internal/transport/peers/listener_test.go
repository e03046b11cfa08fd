package peers

import (
	"io"
	"net"
	"net/netip"
	"testing"

	"github.com/hachi-serve/hachi/internal/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// ownAddress is an address of this machine that is not loopback, as another machine
// would use.
func ownAddress(t *testing.T) string {
	t.Helper()
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok && n.IP.IsGlobalUnicast() && n.IP.To4() != nil {
			return n.IP.String()
		}
	}
	t.Skip("this machine has no address but loopback")
	return ""
}

// TestAPeerHasABoundedNumberOfConnections: one more is closed at once, and a closed
// one makes room.
func TestAPeerHasABoundedNumberOfConnections(t *testing.T) {
	inner, err := net.Listen("tcp", net.JoinHostPort(ownAddress(t), "0"))
	if err != nil {
		t.Fatal(err)
	}
	l := Bound(inner, 2)
	defer l.Close()
	accepted := make(chan net.Conn, 10)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			if _, err := c.Write([]byte("in")); err != nil {
				t.Error(err)
			}
			accepted <- c
		}
	}()
	dial := func() (in bool) {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		_, err = io.ReadFull(c, make([]byte, 2))
		return err == nil
	}
	if !dial() || !dial() || dial() || dial() {
		t.Error("the number of connections is not 2")
	}
	first := <-accepted
	first.Close()
	first.Close() // counts once
	if !dial() || dial() {
		t.Error("a closed connection makes room for more than one, or none")
	}
	l.Close()
	<-done
	close(accepted)
	for c := range accepted {
		c.Close()
	}
	if n := len(l.(*Listener).open); n != 0 {
		t.Errorf("%d peers are kept", n)
	}
}

func TestPeers(t *testing.T) {
	for addr, want := range map[string]string{
		"10.0.0.1:5": "10.0.0.1/32", "[::ffff:10.0.0.1]:5": "10.0.0.1/32", "[2001:db8:1:2:3:4:5:6]:5": "2001:db8:1:2::/64",
		"[fe80::1%eth0]:5": "fe80::/64", "127.0.0.1:5": "", "[::1]:5": "", "127.9.9.9:1": "",
	} {
		peer, ok := peerOf(net.TCPAddrFromAddrPort(netip.MustParseAddrPort(addr)))
		if ok != (want != "") || ok && peer.String() != want {
			t.Errorf("%s: %v, %v, want %q", addr, peer, ok, want)
		}
	}
	if l := Bound(other{}, 1); l != (other{}) {
		t.Errorf("another listener became %T", l)
	}
}

// other is no listener of TCP.
type other struct{ net.Listener }
