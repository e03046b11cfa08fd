//go:build !cuda

package main

import (
	"errors"

	"github.com/hachi-serve/hachi/internal/backend"
)

// cudaBackend refuses: this binary is static, and opens no library.
func cudaBackend() backend.Backend {
	return backend.Backend{Name: "cuda", Open: func(backend.Options) (backend.Device, error) {
		return nil, errors.New("this binary is static and opens no driver: use one of `make build-cuda`")
	}}
}
