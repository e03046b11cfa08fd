package e2e

import (
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/hachi-serve/hachi/test/e2e/internal/harness"
)

// TestSilentConnectionsAreClosed: a peer that connects to any listener of a cluster and
// says nothing, or begins a handshake that it does not go on with, is not waited for.
func TestSilentConnectionsAreClosed(t *testing.T) {
	harness.Slow(t)
	t.Parallel()
	cluster := hachi.ByHand(t, harness.ByHandConfig{Nodes: 1, HTTPS: true})
	all := map[string]string{"the HTTP API": strings.TrimPrefix(cluster.URL, "https://"), "the admin API": cluster.Admin}
	view := cluster.View(t)
	all["the expert node"], all["the router"], all["the coordinator"] = view.Nodes[0].GetAddr(), view.Routers[0].GetGrpcAddr(), view.Coordinators[0].GetAddr()
	// The head of a record of TLS that announces 512 bytes (RFC 8446, section 5.1).
	for what, begin := range map[string]string{"nothing": "", "half a handshake": "\x16\x03\x01\x02\x00\x01"} {
		for name, addr := range all {
			t.Run(name+" hears "+what, func(t *testing.T) {
				t.Parallel()
				conn, err := net.Dial("tcp", addr)
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				if _, err := io.WriteString(conn, begin); err != nil {
					t.Fatal(err)
				}
				if err := conn.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
					t.Fatal(err)
				}
				if said, err := io.ReadAll(conn); err != nil && strings.Contains(err.Error(), "timeout") {
					t.Errorf("the connection is open after %q", said)
				}
			})
		}
	}
}
