//go:build !linux

package peers

import "net"

// Drain does nothing where the length of a listener's queue cannot be read.
func Drain(net.Listener) {}
