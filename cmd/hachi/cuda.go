//go:build cuda

package main

import (
	"github.com/hachi-serve/hachi/internal/backend"
	"github.com/hachi-serve/hachi/internal/backend/cuda"
	"github.com/hachi-serve/hachi/internal/cuda/libcuda"
)

// cudaBackend opens the driver's library. With it a binary needs the loader of the C
// library.
func cudaBackend() backend.Backend { return cuda.Backend(cuda.Config{Open: libcuda.Open}) }
