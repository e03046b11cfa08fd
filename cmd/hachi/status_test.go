package main

import (
	"net"
	"strings"
	"testing"
)

func TestStatusWithoutEtcdSaysSo(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	closed := listener.Addr().String()
	for _, args := range [][]string{{"status"}, {"drain", "expert-0"}} {
		status, output := runRole(t, append(args, "--etcd", closed)...)
		if want := "etcd at " + closed + " does not answer"; status != 1 || !strings.Contains(output, want) {
			t.Errorf("%v: %d, %q, want %q", args, status, output, want)
		}
		status, output = runRole(t, append(args, "--data-dir", t.TempDir())...)
		if status != 1 || !strings.Contains(output, "no `hachi up` runs on") {
			t.Errorf("%v: %d, %q", args, status, output)
		}
	}
}
