//go:build !linux

package rpc

import (
	"context"
	"net"
	"time"
)

// Spin leaves the listener as it is: connections poll only on Linux.
func Spin(l net.Listener, _ time.Duration) net.Listener { return l }

func spinDialer(time.Duration) func(context.Context, string) (net.Conn, error) {
	return func(ctx context.Context, addr string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "tcp", addr)
	}
}
