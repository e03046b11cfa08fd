package main

import (
	"github.com/hachi-serve/hachi/internal/backend"
	"github.com/hachi-serve/hachi/internal/backend/cpu"
	"github.com/hachi-serve/hachi/internal/backend/reference"
	"github.com/hachi-serve/hachi/internal/backend/sidecar"
)

// backends are what this binary can compute with; the first is the default.
func backends() []backend.Backend {
	return []backend.Backend{cpu.Backend(), reference.Backend(), sidecar.Backend(), cudaBackend()}
}
