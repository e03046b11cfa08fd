//go:build !linux

package rpc

import (
	"errors"
	"os/exec"
	"runtime"
)

var errNoPinning = errors.New("processes are pinned to cores, and cores kept awake, on Linux alone")

func allowed() ([]int, error) { return make([]int, runtime.NumCPU()), nil }

func moveTo([]int) error { return errNoPinning }

func startOn(_ []int, cmd *exec.Cmd) error { return cmd.Start() }

func lowestClass() error { return errNoPinning }
