//go:build !linux

package sidecartest

import (
	"errors"
	"net"
)

type helper struct {
	faults Faults
	conn   *net.UnixConn
}

func (h *helper) serve() error { return errors.New("the helper needs Linux") }
