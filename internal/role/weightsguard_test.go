package role

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hachi-serve/hachi/internal/backend"
	"github.com/hachi-serve/hachi/internal/backend/cpu"
	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/internal/weights/checkpoint"
	"github.com/hachi-serve/hachi/internal/weights/preset"
	"github.com/hachi-serve/hachi/moe"
)

// computing is an expert node's computation with the experts of a checkpoint.
type computing struct {
	w       weights
	experts backend.Experts
	x, want []byte
	groups  []moe.Group
}

func newComputing(t *testing.T, dir string, quantizeTo tensor.DType) *computing {
	t.Helper()
	ckpt, err := checkpoint.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	device, err := cpu.Backend().Open(backend.Options{Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	c := &computing{w: weights{ckpt: ckpt, cfg: ckpt.Config(), quantize: quantizeTo, numerics: model.DefaultNumerics(tensor.BF16)}}
	if c.experts, err = device.OpenExperts(c.w.cfg, c.w.numerics); err != nil {
		t.Fatal(err)
	}
	loader := newExpertLoader(c.w, c.experts, 1)
	t.Cleanup(func() {
		if err := errors.Join(loader.Close(), c.experts.Close(), device.Close(), ckpt.Close()); err != nil {
			t.Error(err)
		}
	})
	const rows = 4
	c.x = bytes.Repeat([]byte{0x80, 0x3f}, rows*c.w.cfg.Hidden) // ones
	for expert := range c.w.cfg.Experts {
		if err := loader.Load(t.Context(), moe.ExpertID{Expert: expert}); err != nil {
			t.Fatal(err)
		}
		c.groups = append(c.groups, moe.Group{Expert: expert, Index: []int32{0, 1, 2, 3}})
	}
	c.want = make([]byte, len(c.groups)*rows*c.w.cfg.Hidden*2)
	if err := c.experts.Run(t.Context(), 0, c.groups, c.x, c.want); err != nil {
		t.Fatal(err)
	}
	return c
}

// overwrites change the content of a file, each in a way of its own.
var overwrites = map[string]func(path string, content []byte) error{
	"written again": func(path string, content []byte) error { return os.WriteFile(path, content, 0o600) },
	"written in place, the time set back": func(path string, content []byte) error {
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		_, err = f.WriteAt(content, 0)
		return errors.Join(err, f.Close(), os.Chtimes(path, time.Time{}, info.ModTime()))
	},
	"written by a mapping": func(path string, content []byte) error {
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			return err
		}
		mem, err := unix.Mmap(int(f.Fd()), 0, len(content), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
		if err != nil {
			return err
		}
		copy(mem, content)
		return errors.Join(unix.Munmap(mem), f.Close())
	},
	"cut": func(path string, _ []byte) error { return os.Truncate(path, 4096) },
	"cut to nothing and filled": func(path string, content []byte) error {
		return errors.Join(os.Truncate(path, 0), os.WriteFile(path, content, 0o600))
	},
}

// TestNothingThatChangedWeightsComputedLeaves: under load, a result has the bits of
// the weights that were opened, or is an error by which routers call another node.
func TestNothingThatChangedWeightsComputedLeaves(t *testing.T) {
	other := filepath.Join(t.TempDir(), "other")
	if err := preset.Write(other, "tiny", 2, nil); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(filepath.Join(other, "model.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	original := tinyCheckpoint(t)
	for name, overwrite := range overwrites {
		t.Run(name, func(t *testing.T) {
			for range 20 {
				changeUnderLoad(t, original, func(path string) error { return overwrite(path, content) })
			}
		})
	}
}

// changeUnderLoad changes the file of a copy of a checkpoint while its experts compute.
func changeUnderLoad(t *testing.T, original string, change func(path string) error) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(dir, os.DirFS(original)); err != nil {
		t.Fatal(err)
	}
	c := newComputing(t, dir, tensor.Invalid)
	ctx, guard, stop := guardWeights(t.Context(), c.w.ckpt, slog.New(slog.DiscardHandler))
	defer stop()
	changed := make(chan error, 1)
	right, refused, after := 0, 0, 0
	for y := make([]byte, len(c.want)); refused < 3; {
		if right == 5 && after == 0 {
			after = 1
			go func() { changed <- change(filepath.Join(dir, "model.safetensors")) }()
		}
		err := guardedFFN{c.experts, guard}.Run(t.Context(), 0, c.groups, c.x, y)
		switch {
		case err == nil && refused > 0:
			t.Fatal("a node that has lost its weights computes again")
		case err == nil && !bytes.Equal(y, c.want):
			t.Fatal("a result of changed weights left")
		case err == nil:
			right++
		case moe.KindOf(err) != moe.Draining || strings.Contains(err.Error(), dir):
			t.Fatalf("%v", err)
		default:
			refused++
		}
		if right > 1<<20 {
			t.Fatal("the change was not noticed")
		}
	}
	if err := <-changed; err != nil {
		t.Fatal(err)
	}
	<-ctx.Done()
	var fault *checkpoint.Error
	var config *ConfigError
	if err := guard.end(nil); !errors.As(err, &config) || !errors.As(err, &fault) && !strings.Contains(err.Error(), "cannot be read") {
		t.Errorf("the process ends with %v", err)
	}
}

// TestAnIdleProcessNoticesChangedWeights within a second, without any call.
func TestAnIdleProcessNoticesChangedWeights(t *testing.T) {
	dir := tinyCheckpoint(t)
	ckpt, err := checkpoint.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer ckpt.Close()
	ctx, guard, stop := guardWeights(t.Context(), ckpt, slog.New(slog.DiscardHandler))
	defer stop()
	if err := os.Truncate(filepath.Join(dir, "model.safetensors"), 100); err != nil {
		t.Fatal(err)
	}
	<-ctx.Done()
	if err := guard.end(nil); err == nil || !strings.Contains(err.Error(), "found 100") {
		t.Errorf("%v", err)
	}
}

// TestStatusAloneIsNoChange: a file that is replaced, renamed, linked or gets other
// permissions has the content that it had, and the process serves on.
func TestStatusAloneIsNoChange(t *testing.T) {
	for name, change := range map[string]func(path string) error{
		"permissions": func(path string) error { return os.Chmod(path, 0o400) },
		"linked":      func(path string) error { return os.Link(path, path+".link") },
		"removed":     os.Remove,
		"renamed":     func(path string) error { return os.Rename(path, path+".old") },
		"replaced": func(path string) error {
			return errors.Join(os.WriteFile(path+".new", []byte("other"), 0o600), os.Rename(path+".new", path))
		},
	} {
		dir := tinyCheckpoint(t)
		c := newComputing(t, dir, tensor.Invalid)
		ctx, guard, stop := guardWeights(t.Context(), c.w.ckpt, slog.New(slog.DiscardHandler))
		time.Sleep(20 * time.Millisecond) // the clock of the file system
		if err := change(filepath.Join(dir, "model.safetensors")); err != nil {
			t.Fatal(err)
		}
		y := make([]byte, len(c.want))
		if err := (guardedFFN{c.experts, guard}).Run(ctx, 0, c.groups, c.x, y); err != nil || !bytes.Equal(y, c.want) {
			t.Errorf("%s: %v", name, err)
		}
		stop()
	}
}

// TestQuantizedExpertsAreOutsideTheGoHeap, and unloading gives their memory back.
func TestQuantizedExpertsAreOutsideTheGoHeap(t *testing.T) {
	c := newComputing(t, tinyCheckpoint(t), tensor.Int8)
	l := newExpertLoader(c.w, c.experts, 1)
	id := moe.ExpertID{Layer: 1}
	if err := l.Load(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if _, mapped := l.maps[id].(interface{ Left() int }); !mapped {
		t.Errorf("the weights are in %T", l.maps[id])
	}
	if err := l.Unload(id); err != nil || len(l.maps) != 0 {
		t.Errorf("%v, %d left", err, len(l.maps))
	}
}
