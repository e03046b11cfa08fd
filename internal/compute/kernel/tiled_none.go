//go:build purego || !amd64

package kernel

import "errors"

func tiled([]*Kernels) (*Kernels, error) {
	return nil, errors.New("this build has no kernels for AMX")
}
