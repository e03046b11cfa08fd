package peers

import (
	"io"
	"net"
	"testing"
)

// TestADrainedListenerResetsNoConnection: clients that were connected when a process began
// to end are served, however late the loop that accepts comes to them.
func TestADrainedListenerResetsNoConnection(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := Bound(inner, MaxConnections)
	clients := make([]net.Conn, 100)
	for i := range clients {
		if clients[i], err = net.Dial("tcp", l.Addr().String()); err != nil {
			t.Fatal(err)
		}
		defer clients[i].Close()
	}
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
			c.Close()
		}
	}()
	Drain(l)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	<-done
	for i, c := range clients {
		if said, err := io.ReadAll(c); string(said) != "in" || err != nil {
			t.Errorf("client %d reads %q: %v", i, said, err)
		}
	}
	Drain(l) // a closed one holds nothing
}
