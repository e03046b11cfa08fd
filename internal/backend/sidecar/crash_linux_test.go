package sidecar_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/hachi-serve/hachi/internal/backend"
	"github.com/hachi-serve/hachi/internal/backend/sidecar"
	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/eventually"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/moe"
)

const hidden, ffn = 32, 48

// rig is two experts in a helper, and a call of both.
type rig struct {
	backend.Experts
	device backend.Device
	groups []moe.Group
	x      []byte
	want   []byte
}

func weights(seed uint64) model.ExpertWeights {
	rng := rand.New(rand.NewPCG(seed, 1))
	matrix := func(rows, cols int) tensor.Weight {
		v := make([]float32, rows*cols)
		for i := range v {
			v[i] = float32(rng.NormFloat64()) / 6
		}
		w := tensor.Weight{DType: tensor.BF16, Rows: rows, Cols: cols, Data: make([]byte, 2*rows*cols)}
		tensor.Encode(w.Data, v, tensor.BF16)
		return w
	}
	return model.ExpertWeights{W1: matrix(ffn, hidden), W3: matrix(ffn, hidden), W2: matrix(hidden, ffn)}
}

// opened is the device of a helper under test.
func opened(t *testing.T, o backend.Options) backend.Device {
	t.Helper()
	device, err := sidecar.Backend().Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { device.Close() })
	return device
}

func newRig(t *testing.T, device backend.Device, rows int) *rig {
	t.Helper()
	e, err := device.OpenExperts(model.Config{Layers: 1, Hidden: hidden, FFN: ffn, Experts: 3}, model.DefaultNumerics(tensor.BF16))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	r := &rig{Experts: e, device: device, x: make([]byte, 2*hidden*rows), groups: []moe.Group{{Expert: 0}, {Expert: 1}}}
	rng := rand.New(rand.NewPCG(5, 5))
	v := make([]float32, hidden*rows)
	for i := range v {
		v[i] = float32(rng.NormFloat64())
	}
	tensor.Encode(r.x, v, tensor.BF16)
	for row := range rows {
		r.groups[row%2].Index = append(r.groups[row%2].Index, int32(row))
	}
	for expert := range 3 {
		if err := e.Load(t.Context(), moe.ExpertID{Expert: expert}, weights(uint64(expert))); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

// run is one call.
func (r *rig) run(t *testing.T) ([]byte, error) {
	y := make([]byte, len(r.x))
	return y, r.Run(t.Context(), 0, r.groups, r.x, y)
}

// served waits until the helper computes, with the same bits as ever.
func (r *rig) served(t *testing.T) {
	t.Helper()
	eventually.True(t, "the helper computes again", func() bool {
		y, err := r.run(t)
		if err != nil && moe.KindOf(err) != moe.Unreachable {
			t.Fatalf("%v, want unreachable", err)
		}
		if err == nil && r.want == nil {
			r.want = y
		}
		if err == nil && !bytes.Equal(y, r.want) {
			t.Fatal("other bits than before")
		}
		return err == nil
	})
}

// anyHelper is the command of the helper under test: that of helperEnv, or the test
// binary.
func anyHelper(t *testing.T) string {
	t.Helper()
	if c := os.Getenv(helperEnv); c != "" {
		return c
	}
	return command(t)
}

func kill(t *testing.T, r *rig) (pid int) {
	t.Helper()
	eventually.True(t, "a helper runs", func() bool { pid = sidecar.PID(r.Experts, 0); return pid != 0 })
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	return pid
}

func TestAKilledHelperComesBackWithItsExperts(t *testing.T) {
	r := newRig(t, opened(t, backend.Options{Sidecar: anyHelper(t)}), 9)
	r.served(t)
	if err := r.Unload(moe.ExpertID{Expert: 2}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		before := kill(t, r)
		eventually.True(t, "another helper runs", func() bool { now := sidecar.PID(r.Experts, 0); return now != 0 && now != before })
		r.served(t)
	}
	err := r.Run(t.Context(), 0, []moe.Group{{Expert: 2, Index: []int32{0}}}, r.x, make([]byte, 2*hidden))
	if moe.KindOf(err) != moe.NotHosted || err == nil {
		t.Errorf("an expert that was unloaded before: %v, want not hosted", err)
	}
}

// TestCallsDuringAKillFailAsUnreachable: none waits without end, none has other bits.
// More rows are on their way than slots hold.
func TestCallsDuringAKillFailAsUnreachable(t *testing.T) {
	r := newRig(t, opened(t, backend.Options{Sidecar: anyHelper(t)}), 500)
	r.served(t)
	var all sync.WaitGroup
	var done, failed atomic.Int64
	stop := make(chan struct{})
	for range 8 {
		all.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				y, err := r.run(t)
				switch {
				case err != nil && moe.KindOf(err) != moe.Unreachable:
					t.Errorf("%v, want unreachable", err)
					return
				case err == nil && !bytes.Equal(y, r.want):
					t.Error("other bits than before")
					return
				case err == nil:
					done.Add(1)
				default:
					failed.Add(1)
					time.Sleep(time.Millisecond) // as a router that asks again
				}
			}
		})
	}
	eventually.True(t, "calls are computed", func() bool { return done.Load() > 8 })
	kill(t, r)
	eventually.True(t, "calls fail", func() bool { return failed.Load() > 0 })
	before := done.Load()
	eventually.True(t, "calls are computed again", func() bool { return done.Load() > before+8 })
	close(stop)
	all.Wait()
}

// TestNoHelperOutlivesItsNode: neither a node that closes, nor one that is killed.
func TestNoHelperOutlivesItsNode(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	r := newRig(t, opened(t, backend.Options{Sidecar: anyHelper(t)}), 1)
	pid := sidecar.PID(r.Experts, 0)
	if err := r.Close(); err != nil || alive(pid) {
		t.Errorf("after Close: %v, helper alive: %v", err, alive(pid))
	}
	own, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	node := exec.Command(own, "-test.run", "^TestNodeToKill$", "-test.v")
	node.Env = append(os.Environ(), "HACHI_TEST_NODE="+anyHelper(t))
	out, err := node.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := node.Start(); err != nil {
		t.Fatal(err)
	}
	pid = 0
	for pid == 0 {
		var line string
		if _, err := fmt.Fscanln(out, &line); err == nil && strings.HasPrefix(line, "helper=") {
			_, err = fmt.Sscanf(line, "helper=%d", &pid)
			if err != nil {
				t.Fatal(err)
			}
		}
		if err != nil && !strings.Contains(err.Error(), "newline") {
			t.Fatalf("the node ended: %v", err)
		}
	}
	if !alive(pid) {
		t.Fatal("the helper of the node does not run")
	}
	_ = node.Process.Kill()
	_ = node.Wait()
	eventually.True(t, "the helper of a killed node has ended", func() bool { return !alive(pid) })
	if left, err := filepath.Glob(filepath.Join(os.TempDir(), "hachi-sidecar-*")); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

// TestNodeToKill is the process that TestNoHelperOutlivesItsNode kills.
func TestNodeToKill(t *testing.T) {
	helper := os.Getenv("HACHI_TEST_NODE")
	if helper == "" {
		t.Skip("run by TestNoHelperOutlivesItsNode only")
	}
	r := newRig(t, opened(t, backend.Options{Sidecar: helper}), 1)
	fmt.Printf("\nhelper=%d\n", sidecar.PID(r.Experts, 0))
	select {}
}

// alive reports whether a process runs; one that is not reaped does not.
func alive(pid int) bool {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
		return false
	}
	_, after, _ := bytes.Cut(raw, []byte(") "))
	return len(after) == 0 || after[0] != 'Z'
}
