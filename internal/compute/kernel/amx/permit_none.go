//go:build purego || !linux || !amd64

package amx

import "errors"

// Permit is the error of a system without tiles.
func Permit() error { return errors.New("this build has no kernels for AMX") }
