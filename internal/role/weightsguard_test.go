package role

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"log/slog"
	"math"
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
	"github.com/hachi-serve/hachi/internal/router/engine"
	"github.com/hachi-serve/hachi/internal/router/pipeline"
	"github.com/hachi-serve/hachi/internal/weights/checkpoint"
	"github.com/hachi-serve/hachi/internal/weights/preset"
	"github.com/hachi-serve/hachi/moe"
)

// computation computes the same again and again with the weights of a checkpoint.
type computation struct {
	ckpt *checkpoint.Checkpoint
	want []byte // what it computes
	// run computes under a guard.
	run func(ctx context.Context, g *weightsGuard, y []byte) error
}

// openExperts opens a device for the experts of a checkpoint.
func openExperts(t *testing.T, dir string, quantizeTo tensor.DType) (weights, backend.Experts) {
	t.Helper()
	ckpt, err := checkpoint.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	device, err := cpu.Backend().Open(backend.Options{Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	w := weights{ckpt: ckpt, cfg: ckpt.Config(), quantize: quantizeTo, numerics: model.DefaultNumerics(tensor.BF16)}
	experts, err := device.OpenExperts(w.cfg, w.numerics)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(experts.Close(), device.Close(), ckpt.Close()); err != nil {
			t.Error(err)
		}
	})
	return w, experts
}

// experts compute as an expert node does.
func experts(t *testing.T, dir string) computation {
	t.Helper()
	w, experts := openExperts(t, dir, tensor.Invalid)
	loader := newExpertLoader(w, experts, 1)
	t.Cleanup(func() {
		if err := loader.Close(); err != nil {
			t.Error(err)
		}
	})
	const rows = 4
	x := bytes.Repeat([]byte{0x80, 0x3f}, rows*w.cfg.Hidden) // ones
	var groups []moe.Group
	for expert := range w.cfg.Experts {
		if err := loader.Load(t.Context(), moe.ExpertID{Expert: expert}); err != nil {
			t.Fatal(err)
		}
		groups = append(groups, moe.Group{Expert: expert, Index: []int32{0, 1, 2, 3}})
	}
	c := computation{ckpt: w.ckpt, want: make([]byte, len(groups)*rows*w.cfg.Hidden*2)}
	if err := experts.Run(t.Context(), 0, groups, x, c.want); err != nil {
		t.Fatal(err)
	}
	c.run = func(ctx context.Context, g *weightsGuard, y []byte) error {
		return guardedFFN{experts, g}.Run(ctx, 0, groups, x, y)
	}
	return c
}

// steps computes as a router does, with the experts in its own process.
func steps(t *testing.T, dir string) computation {
	t.Helper()
	core, err := OpenCore(t.Context(), testRouter(dir))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := core.Close(); err != nil {
			t.Error(err)
		}
	})
	experts, err := core.LocalExperts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	runner := pipeline.New(core.Model, core.Dense, experts, pipeline.MicroBatcher{})
	batch := &model.Batch{Tokens: []int32{1, 2, 3}, Spans: []model.Span{{N: 3, Blocks: []int32{0}}}, Outputs: []int32{0, 1, 2}}
	logits := tensor.NewMatrix(3, core.Model.Vocab)
	forward := func(ctx context.Context, m engine.Model, y []byte) error {
		err := m.Forward(ctx, batch, logits)
		for i, v := range logits.Data {
			binary.LittleEndian.PutUint32(y[4*i:], math.Float32bits(v))
		}
		return err
	}
	c := computation{ckpt: core.weights.ckpt, want: make([]byte, 4*len(logits.Data))}
	if err := forward(t.Context(), runner, c.want); err != nil {
		t.Fatal(err)
	}
	c.run = func(ctx context.Context, g *weightsGuard, y []byte) error {
		return forward(ctx, guardedModel{Model: runner, guard: g, device: &deviceGuard{}}, y)
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
	for of, open := range map[string]func(*testing.T, string) computation{"an expert node": experts, "a router": steps} {
		for name, overwrite := range overwrites {
			t.Run(of+", "+name, func(t *testing.T) {
				for range 20 {
					changeUnderLoad(t, original, open, func(path string) error { return overwrite(path, content) })
				}
			})
		}
	}
}

// changeUnderLoad changes the file of a copy of a checkpoint while a process computes
// with it.
func changeUnderLoad(t *testing.T, original string, open func(*testing.T, string) computation, change func(path string) error) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(dir, os.DirFS(original)); err != nil {
		t.Fatal(err)
	}
	c := open(t, dir)
	ctx, guard, stop := guardWeights(t.Context(), c.ckpt, slog.New(slog.DiscardHandler))
	defer stop()
	changed := make(chan error, 1)
	right, refused, after := 0, 0, 0
	for y := make([]byte, len(c.want)); refused < 3; {
		if right == 5 && after == 0 {
			after = 1
			go func() { changed <- change(filepath.Join(dir, "model.safetensors")) }()
		}
		err := c.run(t.Context(), guard, y)
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
		c := experts(t, dir)
		ctx, guard, stop := guardWeights(t.Context(), c.ckpt, slog.New(slog.DiscardHandler))
		time.Sleep(20 * time.Millisecond) // the clock of the file system
		if err := change(filepath.Join(dir, "model.safetensors")); err != nil {
			t.Fatal(err)
		}
		y := make([]byte, len(c.want))
		if err := c.run(ctx, guard, y); err != nil || !bytes.Equal(y, c.want) {
			t.Errorf("%s: %v", name, err)
		}
		stop()
	}
}

// TestQuantizedExpertsAreOutsideTheGoHeap, and unloading gives their memory back.
func TestQuantizedExpertsAreOutsideTheGoHeap(t *testing.T) {
	w, experts := openExperts(t, tinyCheckpoint(t), tensor.Int8)
	l := newExpertLoader(w, experts, 1)
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
