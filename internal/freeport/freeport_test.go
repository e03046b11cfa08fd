package freeport

import (
	"net"
	"strconv"
	"testing"
)

// TestAddressesLieBelowThoseOfConnections, and a process can listen at each.
func TestAddressesLieBelowThoseOfConnections(t *testing.T) {
	for range 50 {
		l, err := net.Listen("tcp", Address(t))
		if err != nil {
			t.Fatal(err)
		}
		_, port, _ := net.SplitHostPort(l.Addr().String())
		if n, err := strconv.Atoi(port); err != nil || n < first || n >= first+count {
			t.Errorf("port %s", port)
		}
		l.Close()
	}
}
