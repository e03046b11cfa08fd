//go:build !linux

package sidecar

import (
	"errors"
	"syscall"
)

var errLinux = errors.New("the backend sidecar needs Linux: memfd_create, SO_PEERCRED")

func newShared(string, int64) (*shared, error) { return nil, errLinux }

func unmap([]byte) error { return nil }

func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

func ownPeer(int) (bool, error) { return false, errLinux }
