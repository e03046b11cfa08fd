package sidecar_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hachi-serve/hachi/internal/backend"
	"github.com/hachi-serve/hachi/internal/backend/sidecar"
	"github.com/hachi-serve/hachi/internal/backend/sidecar/sidecartest"
	"github.com/hachi-serve/hachi/internal/compute/kernel"
	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/moe"
)

// long is a wait that no test waits to its end.
const long = time.Hour

func TestOpenSaysWhatIsWrong(t *testing.T) {
	for _, tt := range []struct {
		name string
		o    backend.Options
		want string
	}{
		{"nothing", backend.Options{}, "--expert-family"},
		{"quotes", backend.Options{Sidecar: `sh -c "exec helper"`}, "put the rest into a script"},
		{"no such program", backend.Options{Sidecar: "/no/such/helper"}, "/no/such/helper"},
		{"a program that is no helper", backend.Options{Sidecar: "false"}, "ended before it called"},
		{"a program that explains itself", backend.Options{Sidecar: command(t, "-no-such-flag")}, "flag provided but not defined: -no-such-flag"},
		{"a cluster whose experts no helper computes", backend.Options{Sidecar: command(t), ExpertFamily: "cuda-sm90-k16"}, "expected sidecar1+"},
		{"a family that no flag can carry", backend.Options{ExpertFamily: "sidecar1+two words"}, "numerics family"},
		{"a helper with such a family", backend.Options{Sidecar: command(t, "-family=A")}, "numerics family"},
		{"a tile of no rows", backend.Options{Sidecar: command(t, "-tile=0")}, "rows of a tile is 0"},
	} {
		d, err := sidecar.Backend().Open(tt.o)
		if err == nil {
			d.Close()
		}
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want an error with %q", tt.name, err, tt.want)
		}
	}
}

var (
	shape    = model.Config{Layers: 1, Hidden: hidden, FFN: ffn, Experts: 3}
	numerics = model.DefaultNumerics(tensor.BF16)
)

// refused opens experts, which must fail.
func refused(t *testing.T, d backend.Device, n model.Numerics, want string) {
	t.Helper()
	e, err := d.OpenExperts(shape, n)
	if err == nil {
		e.Close()
	}
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want an error with %q", err, want)
	}
}

func TestExpertsNeedAHelperOfTheirFamily(t *testing.T) {
	router := opened(t, backend.Options{ExpertFamily: "sidecar1+other"})
	if got, want := router.Info().FamilyWith(""), kernel.Family+", experts sidecar1+other"; got != want {
		t.Errorf("family %s, want %s", got, want)
	}
	refused(t, router, numerics, "--sidecar")
	refused(t, opened(t, backend.Options{Sidecar: command(t), ExpertFamily: "sidecar1+other"}), numerics, "is of numerics family go-reference, expected other")
	f16 := numerics
	f16.Wire = tensor.F16
	refused(t, opened(t, backend.Options{Sidecar: command(t), ExpertFamily: "sidecar1+" + sidecartest.Family}), f16, "wire of f16")
}

func TestASilentHelperIsGivenUp(t *testing.T) {
	d := opened(t, backend.Options{Sidecar: command(t, "-silent"), ExpertFamily: "sidecar1+" + sidecartest.Family})
	sidecar.Hurry(d, 100*time.Millisecond, long)
	refused(t, d, numerics, "timeout")
}

// TestAHelperThatFailsRunsIsStartedAgain: one that answers no run, and one that refuses
// each.
func TestAHelperThatFailsRunsIsStartedAgain(t *testing.T) {
	for flag, wait := range map[string]time.Duration{"-mute": 50 * time.Millisecond, "-rude": long} {
		d := opened(t, backend.Options{Sidecar: command(t, flag), ExpertFamily: "sidecar1+" + sidecartest.Family})
		sidecar.Hurry(d, long, wait)
		r := newRig(t, d, 9)
		before := sidecar.PID(r.Experts, 0)
		if _, err := r.run(t); moe.KindOf(err) != moe.Unreachable || err == nil {
			t.Errorf("%s: %v, want unreachable", flag, err)
		}
		for alive(before) {
			time.Sleep(time.Millisecond)
		}
	}
}

func TestAHelperThatDoesNotComeBackEndsTheNode(t *testing.T) {
	count := filepath.Join(t.TempDir(), "count")
	d := opened(t, backend.Options{Sidecar: command(t, "-starts=1", "-count="+count), ExpertFamily: "sidecar1+" + sidecartest.Family})
	sidecar.Hurry(d, long, long)
	r := newRig(t, d, 9)
	r.served(t)
	kill(t, r)
	if err := <-r.Experts.(backend.Mortal).Failed(); !strings.Contains(err.Error(), "no device for process") {
		t.Errorf("%v, want what the helper said", err)
	}
	if _, err := r.run(t); moe.KindOf(err) != moe.Unreachable || err == nil {
		t.Errorf("%v, want unreachable", err)
	}
	if err := r.Load(t.Context(), moe.ExpertID{Expert: 2}, weights(2)); err == nil {
		t.Error("an expert was loaded into no helper")
	}
}

func TestMemoryIsThatOfTheHelper(t *testing.T) {
	const memory = 5 << 30
	r := newRig(t, opened(t, backend.Options{Sidecar: command(t, "-memory=5368709120")}), 1)
	a := r.Experts.(backend.OwnMemory)
	if got := a.Capacity(); got != memory {
		t.Errorf("memory of %d bytes, want %d", got, memory)
	}
	for format, size := range map[tensor.DType]int64{tensor.F32: 4, tensor.F16: 4, tensor.BF16: 2, tensor.Int8: 2, tensor.Int4: 2} {
		if got, want := a.ExpertBytes(format), 3*size*hidden*ffn; got != want {
			t.Errorf("an expert of %v takes %d bytes, want %d", format, got, want)
		}
	}
}
