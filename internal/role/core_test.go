package role

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hachi-serve/hachi/internal/backend"
	"github.com/hachi-serve/hachi/internal/backend/cpu"
	"github.com/hachi-serve/hachi/internal/weights/checkpoint"
	"github.com/hachi-serve/hachi/internal/weights/preset"
)

// tinyCheckpoint writes the tiny model.
func tinyCheckpoint(t *testing.T) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "tiny")
	if err := preset.Write(dir, "tiny", 1, nil); err != nil {
		t.Fatal(err)
	}
	return dir
}

// testRouter is a valid configuration without a Logger.
func testRouter(dir string) RouterConfig {
	c := DefaultRouter()
	c.ID, c.Dir, c.Backends, c.Threads = "router-0", dir, []backend.Backend{cpu.Backend()}, 1
	c.Serving.KVCacheMemory = Mi
	return c
}

// damage flips a bit in the last value of a tensor and keeps the time of the file.
func damage(t *testing.T, path, tensor string) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	size := binary.LittleEndian.Uint64(raw)
	var header map[string]struct {
		Offsets [2]uint64 `json:"data_offsets"`
	}
	if err := json.Unmarshal(raw[8:8+size], &header); err != nil || header[tensor].Offsets[1] == 0 {
		t.Fatalf("no tensor %s: %v", tensor, err)
	}
	raw[8+size+header[tensor].Offsets[1]-1] ^= 1
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, time.Time{}, info.ModTime()); err != nil {
		t.Fatal(err)
	}
}

func TestRouterRefusesDamagedWeights(t *testing.T) {
	dir := tinyCheckpoint(t)
	ckpt, err := checkpoint.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer ckpt.Close()
	if _, err := ckpt.Verify(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	core, err := OpenCore(t.Context(), testRouter(dir))
	if err != nil {
		t.Fatal(err)
	}
	if err := core.Close(); err != nil {
		t.Fatal(err)
	}
	damage(t, filepath.Join(dir, "model.safetensors"), "lm_head.weight")
	_, err = OpenCore(t.Context(), testRouter(dir))
	if !errors.As(err, new(*ConfigError)) || !strings.Contains(err.Error(), "lm_head.weight") {
		t.Errorf("error %v, want a ConfigError that names the tensor", err)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if _, err := OpenCore(ended, testRouter(dir)); !errors.Is(err, context.Canceled) || errors.As(err, new(*ConfigError)) {
		t.Errorf("error %v, want one that the context has ended", err)
	}
}
