package peer

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/hachi-serve/hachi/internal/logtest"
	"github.com/hachi-serve/hachi/internal/weights/checkpoint"
	"github.com/hachi-serve/hachi/internal/weights/source"
	"github.com/hachi-serve/hachi/moe"
)

var errDisk = errors.New("input/output error")

// TestExpertsOfNodesAreThoseOfTheDirectory: three nodes hold different experts, and each is
// asked for what it holds.
func TestExpertsOfNodesAreThoseOfTheDirectory(t *testing.T) {
	dir := modelDir(t, 7, true)
	want, size, digest := local(t, dir)
	var givers []*giver
	for i, id := range []moe.NodeID{"a", "b", "c"} {
		g := give(t, id, dir, nil)
		g.All = false
		for e := range shape.Experts {
			if e%3 == i {
				g.Resident = append(g.Resident, moe.ExpertID{Layer: 0, Expert: e}, moe.ExpertID{Layer: 1, Expert: e})
			}
		}
		g.Resident = moe.NewShard(g.Resident)
		givers = append(givers, g)
	}
	c, m := join(t, t.TempDir(), asking(slog.New(slog.DiscardHandler), givers...), givers[0].Node)
	if c.Digest() != digest || c.Manifest() == nil {
		t.Errorf("digest %s, expected %s; manifest %v", c.Digest(), digest, c.Manifest() != nil)
	}
	before := m.Fetched()
	got, err := expertsOf(t.Context(), c)
	if err != nil || !same(got, want) {
		t.Fatalf("other bytes: %v", err)
	}
	if n := m.Fetched() - before; n != size {
		t.Errorf("fetched %d bytes of experts of %d", n, size)
	}
	for _, g := range givers {
		reads := g.took()
		for _, r := range reads {
			if id, ok := checkpoint.ExpertOf(r.GetName()); !ok || !g.Resident.Has(id) {
				t.Errorf("node %s was asked for %s, which it does not hold", g.ID, r.GetName())
			}
		}
		if len(reads) == 0 {
			t.Errorf("node %s was asked for nothing", g.ID)
		}
	}
}

// TestANodeThatGivesOnIsTheSame: what came from nodes can be given to others.
func TestANodeThatGivesOnIsTheSame(t *testing.T) {
	dir := modelDir(t, 7, true)
	want, _, _ := local(t, dir)
	first := give(t, "a", dir, nil)
	c, _ := join(t, t.TempDir(), asking(slog.New(slog.DiscardHandler), first), first.Node)
	if _, err := expertsOf(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	second := give(t, "b", dir, nil)
	second.ckpt = c
	var err error
	if second.Shelf, err = c.Shelf(); err != nil {
		t.Fatal(err)
	}
	third, _ := join(t, t.TempDir(), asking(slog.New(slog.DiscardHandler), second), second.Node)
	first.took()
	got, err := expertsOf(t.Context(), third)
	if err != nil || !same(got, want) || third.Digest() != c.Digest() {
		t.Errorf("other bytes: %v", err)
	}
	if n := len(first.took()); n > 0 {
		t.Errorf("%d reads at the first node", n)
	}
}

// TestANodeThatDiesInTheMiddleIsContinuedAtAnother: nothing of what it sent is fetched
// again.
func TestANodeThatDiesInTheMiddleIsContinuedAtAnother(t *testing.T) {
	dir := modelDir(t, 7, true)
	want, size, _ := local(t, dir)
	var pieces atomic.Int64
	dying := give(t, "dying", dir, func(g *giver, ctx context.Context, name string, at int64, dst []byte) error {
		if isBulk(name, at, dst) && pieces.Add(1) == 5 {
			go g.server.Stop()
			<-ctx.Done()
			return ctx.Err()
		}
		return nil
	})
	other := give(t, "other", dir, nil)
	c, m := join(t, t.TempDir(), asking(slog.New(slog.DiscardHandler), dying, other), dying.Node)
	before := m.Fetched()
	got, err := expertsOf(t.Context(), c)
	if err != nil || !same(got, want) {
		t.Fatalf("other bytes: %v", err)
	}
	if n := m.Fetched() - before; n != size {
		t.Errorf("fetched %d bytes of experts of %d", n, size)
	}
	if pieces.Load() < 5 || len(other.took()) == 0 {
		t.Errorf("%d pieces of the node that dies", pieces.Load())
	}
}

// TestANodeThatSendsWrongBytesIsNamedAndNotAskedAgain: others are.
func TestANodeThatSendsWrongBytesIsNamedAndNotAskedAgain(t *testing.T) {
	dir := modelDir(t, 7, true)
	want, _, _ := local(t, dir)
	lie := func(_ *giver, _ context.Context, name string, at int64, dst []byte) error {
		if isBulk(name, at, dst) {
			dst[len(dst)-1] ^= 1
		}
		return nil
	}
	var log logtest.Log
	honest, liar := give(t, "honest", dir, nil), give(t, "liar", dir, lie)
	c, _ := join(t, t.TempDir(), asking(log.Logger(), liar, honest), honest.Node)
	for range 2 {
		got, err := expertsOf(t.Context(), c)
		if err != nil || !same(got, want) {
			t.Fatalf("other bytes: %v", err)
		}
	}
	lies := len(liar.took())
	if lies > 3 || log.Count("node sent wrong weights") != min(lies, 3) || log.Count("node=liar") != min(lies, 3) || log.Count("node=honest") != 0 {
		t.Errorf("%d reads at the node that lies: %s", lies, log.String())
	}
	alone, _ := join(t, t.TempDir(), asking(log.Logger(), liar), liar.Node)
	if _, err := alone.LoadExpert(t.Context(), moe.ExpertID{}); source.KindOf(err) == "" {
		t.Errorf("%v of wrong bytes", err)
	}
	liar.Started++
	liar.after = nil
	if _, err := alone.LoadExpert(t.Context(), moe.ExpertID{}); err != nil {
		t.Errorf("the node is not asked after a restart: %v", err)
	}
}

// TestWrongBytesOfSeveralNodesAreFoundOut: the liar sends the beginning and dies, and the
// other node is not blamed.
func TestWrongBytesOfSeveralNodesAreFoundOut(t *testing.T) {
	dir := modelDir(t, 7, true)
	var log logtest.Log
	f := Through(asking(log.Logger(), give(t, "honest", dir, nil)), Node{ID: "honest"})
	defer f.Close()
	of := run{"expert-000-000.safetensors", 9000}
	f.sent(of, Node{ID: "liar", Started: 1})
	f.sent(of, Node{ID: "honest", Started: 1})
	if !f.Blame(of.name, 5000, 4000, 0) || log.Count("wrong weights") != 0 || f.onlyFrom(of) != "liar" {
		t.Errorf("after bytes of both, %q is asked alone: %s", f.onlyFrom(of), log.String())
	}
	f.sent(of, Node{ID: "liar", Started: 1})
	if !f.Blame(of.name, 5000, 4000, 0) || log.Count("node=liar") != 1 || log.Count("node=honest") != 0 {
		t.Errorf("after bytes of the liar alone: %s", log.String())
	}
	again := 0
	for f.sent(of, Node{ID: "x"}); again < 100; again++ {
		f.sent(of, Node{ID: "y"})
		f.sent(of, Node{ID: "x"})
		if !f.Blame(of.name, 5000, 4000, 0) {
			break
		}
	}
	if again > maxMixed {
		t.Errorf("%d tries of bytes from several nodes", again)
	}
}

// TestManifestsMustAgree: a node cannot vouch for its own bytes.
func TestManifestsMustAgree(t *testing.T) {
	dir, other := modelDir(t, 7, true), modelDir(t, 8, true)
	honest, liar := give(t, "honest", dir, nil), give(t, "liar", other, nil)
	f := Through(asking(slog.New(slog.DiscardHandler), honest, liar), honest.Node)
	defer f.Close()
	_, err := f.Stat(t.Context(), checkpoint.ManifestFile)
	if source.KindOf(err) != source.Refused || !strings.Contains(err.Error(), "honest") || !strings.Contains(err.Error(), "liar") {
		t.Errorf("%v of two manifests", err)
	}
	none := give(t, "none", modelDir(t, 7, false), nil)
	with := Through(asking(slog.New(slog.DiscardHandler), none, honest), none.Node)
	defer with.Close()
	if info, err := with.Stat(t.Context(), checkpoint.ManifestFile); err != nil || info.Size == 0 {
		t.Errorf("%v of one node with a manifest and one without", err)
	}
	c, _ := join(t, t.TempDir(), asking(slog.New(slog.DiscardHandler), none), none.Node)
	if c.Manifest() != nil {
		t.Error("a manifest of a model that has none")
	}
}

// TestANodeWhoseDiskFailsIsNotTheEnd: the error names it, and another node is asked.
func TestANodeWhoseDiskFailsIsNotTheEnd(t *testing.T) {
	dir := modelDir(t, 7, true)
	broken := give(t, "broken", dir, func(_ *giver, _ context.Context, name string, at int64, dst []byte) error {
		if isBulk(name, at, dst) {
			return errDisk
		}
		return nil
	})
	f := Through(asking(slog.New(slog.DiscardHandler), broken), broken.Node)
	defer f.Close()
	info, err := f.Stat(t.Context(), "expert-000-001.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	f.Opened()
	_, err = f.Open(t.Context(), "expert-000-001.safetensors", info, samplePage, 100_000)
	if source.KindOf(err) != source.Unavailable || !strings.Contains(err.Error(), "node broken") || !strings.Contains(err.Error(), errDisk.Error()) {
		t.Errorf("%v of a broken disk", err)
	}
	want, _, _ := local(t, dir)
	sound := give(t, "sound", dir, nil)
	c, _ := join(t, t.TempDir(), asking(slog.New(slog.DiscardHandler), broken, sound), sound.Node)
	if got, err := expertsOf(t.Context(), c); err != nil || !same(got, want) {
		t.Errorf("other bytes: %v", err)
	}
}

func FuzzExpertOf(f *testing.F) {
	f.Add("expert-001-002.safetensors")
	f.Add("layer-001.safetensors")
	f.Fuzz(func(t *testing.T, name string) {
		if id, ok := checkpoint.ExpertOf(name); ok && !strings.HasPrefix(name, "expert-") {
			t.Errorf("%v of %q", id, name)
		}
	})
}
