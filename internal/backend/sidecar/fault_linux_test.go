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
	"github.com/hachi-serve/hachi/internal/eventually"
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

// helperOf is the device of a helper with faults, which starts again at once.
func helperOf(t *testing.T, flags ...string) backend.Device {
	t.Helper()
	d := opened(t, backend.Options{Sidecar: command(t, flags...), ExpertFamily: "sidecar1+" + sidecartest.Family})
	sidecar.Hurry(d, long, long)
	return d
}

// TestAHelperMayEndInEveryPhase: before it serves, opening says so; while it serves, what
// it was asked fails, and a helper that ends so again and again ends the node.
func TestAHelperMayEndInEveryPhase(t *testing.T) {
	for _, phase := range []string{"hello", "configure"} {
		refused(t, helperOf(t, "-crash="+phase), numerics, "crash at "+phase)
	}
	ids := []moe.ExpertID{{Expert: 0}, {Expert: 1}}
	for phase, ask := range map[string]func(e backend.Experts) error{
		"load": func(e backend.Experts) error { return e.Load(t.Context(), ids[0], weights(0)) },
		"run": func(e backend.Experts) error {
			if err := e.Load(t.Context(), ids[0], weights(0)); err != nil {
				return err
			}
			return e.Run(t.Context(), 0, []moe.Group{{Index: []int32{0}}}, make([]byte, 2*hidden), make([]byte, 2*hidden))
		},
	} {
		e, err := helperOf(t, "-crash="+phase).OpenExperts(shape, numerics)
		if err != nil {
			t.Fatal(err)
		}
		for lost := (*backend.LostError)(nil); lost == nil; {
			select {
			case lost = <-e.(backend.Mortal).Failed():
				if !strings.Contains(lost.Error(), "failed 6 times in a row") {
					t.Errorf("%s: %v", phase, lost)
				}
			default:
				if err := ask(e); err == nil || moe.KindOf(err) == moe.NotHosted {
					t.Fatalf("%s: %v", phase, err)
				}
			}
		}
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}
	r := newRig(t, helperOf(t, "-crash=unload"), 9)
	if err := r.Unload(moe.ExpertID{Expert: 2}); err != nil {
		t.Errorf("unload: %v", err)
	}
	r.served(t)
}

// TestAHelperWhoseChildKeepsTheSocketHasEnded: a child that left the group of the helper
// cannot hide its end.
func TestAHelperWhoseChildKeepsTheSocketHasEnded(t *testing.T) {
	refused(t, helperOf(t, "-orphan", "-crash=hello"), numerics, "crash at hello")
	r := newRig(t, helperOf(t, "-orphan", "-crash=run"), 9)
	if _, err := r.run(t); moe.KindOf(err) != moe.Unreachable || err == nil {
		t.Errorf("%v, want unreachable", err)
	}
}

// TestCloseDoesNotWaitForAMuteHelper: the call that waits for it fails.
func TestCloseDoesNotWaitForAMuteHelper(t *testing.T) {
	r := newRig(t, helperOf(t, "-mute"), 9)
	failed := make(chan error, 1)
	go func() {
		_, err := r.run(t)
		failed <- err
	}()
	eventually.True(t, "the call waits", func() bool { return sidecar.Waiting(r.Experts, 0) > 0 })
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if err := <-failed; moe.KindOf(err) != moe.Unreachable || err == nil {
		t.Errorf("%v, want unreachable", err)
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
