package local

import (
	"errors"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/hachi-serve/hachi/internal/role"
)

// TestAKeptPortIsFreeForItsChildOnly: connections are refused while no child listens, a
// child can listen again and again, and no other program gets the port by chance.
func TestAKeptPortIsFreeForItsChildOnly(t *testing.T) {
	var ports keptPorts
	addr, err := ports.keep("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if conn, err := net.Dial("tcp", addr); !errors.Is(err, unix.ECONNREFUSED) {
			t.Fatalf("a connection to no child: %v, %v", conn, err)
		}
		l, err := net.Listen("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(conn.Close(), l.Close()); err != nil {
			t.Fatal(err)
		}
	}
	for range 100 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		if l.Addr().String() == addr {
			t.Fatal("another program got the port")
		}
	}
	if err := ports.close(); err != nil {
		t.Error(err)
	}
}

// TestAnAddressOfAnotherNamespaceGetsAPort.
func TestAnAddressOfAnotherNamespaceGetsAPort(t *testing.T) {
	var ports keptPorts
	defer ports.close()
	addr, err := ports.keep("192.0.2.1") // TEST-NET-1 of RFC 5737
	if err != nil || !strings.HasPrefix(addr, "192.0.2.1:") || strings.HasSuffix(addr, ":0") {
		t.Errorf("%q, %v", addr, err)
	}
}

// TestChildrenKeepTheirPorts: every service of a child has a port of its own, that every
// start reads from its configuration.
func TestChildrenKeepTheirPorts(t *testing.T) {
	cfg := DefaultUp()
	cfg.DataDir, cfg.Binary, cfg.Routers, cfg.Listen = t.TempDir(), "hachi", 2, "127.0.0.1:1"
	c := &Cluster{cfg: cfg, endpoints: []string{"127.0.0.1:2"}}
	defer c.ports.close()
	seen := map[string]string{}
	for service, addr := range map[string]string{
		"coordinator": c.coordinatorConfig("coordinator-0").Listen, "node": c.expertNodeConfig("expert-0").Listen,
		"router": c.routerConfig("router-0").GRPC, "HTTP of a router": c.routerConfig("router-1").Listen, "gateway": c.gatewayConfig(gatewayName).GRPC,
	} {
		if other := seen[addr]; other != "" || strings.HasSuffix(addr, ":0") {
			t.Errorf("%s listens on %q, as %q", service, addr, other)
		}
		seen[addr] = service
	}
	path := filepath.Join(cfg.DataDir, "node.yaml")
	want := c.expertNodeConfig("expert-1")
	if err := role.WriteConfig(path, want); err != nil {
		t.Fatal(err)
	}
	got := role.DefaultExpertNode()
	if err := role.ReadConfig(path, &got); err != nil || got.Listen != want.Listen {
		t.Errorf("the configuration has %q, want %q: %v", got.Listen, want.Listen, err)
	}
}
