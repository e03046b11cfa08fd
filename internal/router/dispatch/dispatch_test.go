package dispatch

import (
	"context"
	"fmt"
	"math"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/hachi-serve/hachi/internal/backend"
	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/internal/transport/faulty"
	"github.com/hachi-serve/hachi/moe"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	hidden  = 4
	experts = 6
)

// pure is an expert that depends on layer, expert and row only.
type pure struct{}

func (p pure) Run(ctx context.Context, layer int, groups []moe.Group, x, y []byte) error {
	return backend.EachExpert{Hidden: hidden, Wire: tensor.BF16, Expert: p.expert}.Run(ctx, layer, groups, x, y)
}

func (pure) expert(id moe.ExpertID, x, y tensor.Matrix) error {
	for i := range x.Rows {
		for j, v := range x.Row(i) {
			y.Row(i)[j] = v*float32(1+id.Expert) + float32(id.Layer)*0.37 + float32(j)
		}
	}
	return nil
}

// node computes calls with pure experts.
type node struct{}

func (n node) Start(_ moe.Replica, c *moe.Call, t *moe.PendingCall) {
	reply, err := n.compute(c)
	c.Release()
	t.Done(reply, err)
}

func (node) Cancel(*moe.PendingCall) {}

func (node) compute(c *moe.Call) (*moe.Reply, error) {
	reply := &moe.Reply{Y: make([]byte, c.OutRows()*hidden*2)}
	return reply, pure{}.Run(context.Background(), c.Layer, c.Groups, c.X, reply.Y)
}

// TestFaultsNeverChangeTheAnswer: whatever goes wrong on the way, the result
// is that of an undisturbed run in one process, or there is no replica left and
// the residual is as it was.
func TestFaultsNeverChangeTheAnswer(outer *testing.T) {
	kinds := []moe.Kind{moe.Unreachable, moe.NotHosted, moe.Draining, moe.Corrupt, moe.Mismatch, moe.Busy}
	rapid.Check(outer, func(t *rapid.T) {
		nodes := rapid.IntRange(1, 5).Draw(t, "nodes")
		table := make([][]moe.Replica, 2*experts)
		for i := range table {
			for _, n := range rapid.Permutation([]int{0, 1, 2, 3, 4}[:nodes]).Draw(t, "order")[:rapid.IntRange(1, nodes).Draw(t, "replicas")] {
				table[i] = append(table[i], moe.Replica{Node: moe.NodeID(fmt.Sprint(n))})
			}
		}
		p, err := moe.NewPlacement(1, "f", moe.Uniform(2, experts), table)
		if err != nil {
			t.Fatal(err)
		}
		faults := map[string]faulty.Fault{}
		for n := range nodes {
			for nth := range 3 {
				if rapid.IntRange(0, 2).Draw(t, "faulty") > 0 {
					continue
				}
				faults[fmt.Sprint(n, nth)] = faulty.Fault{
					Failing: rapid.Bool().Draw(t, "failing"), Fail: rapid.SampledFrom(kinds).Draw(t, "kind"),
					After: rapid.Bool().Draw(t, "after"), Truncate: rapid.Bool().Draw(t, "truncate"), Twice: rapid.Bool().Draw(t, "twice"),
					Silent: rapid.IntRange(0, 4).Draw(t, "silent") == 0,
					Delay:  time.Duration(rapid.IntRange(0, 20).Draw(t, "delay ms")) * time.Millisecond,
				}
			}
		}
		net := faulty.Wrap(node{}, func(n moe.NodeID, nth int, _ *moe.Call) faulty.Fault { return faults[fmt.Sprint(n, nth)] })
		d := New(Config{Transport: net, Fingerprint: "f", Wire: tensor.BF16, Hidden: hidden, Topology: moe.Uniform(2, experts)})
		d.Adopt(p)
		rows := rapid.IntRange(1, 9).Draw(t, "rows")
		h, logits := tensor.NewMatrix(rows, hidden), tensor.NewMatrix(rows, experts)
		for i := range h.Data {
			h.Data[i] = rapid.Float32Range(-3, 3).Draw(t, "h")
		}
		tensor.Round(h.Data, tensor.BF16)
		for i := range logits.Data {
			logits.Data[i] = rapid.Float32Range(-3, 3).Draw(t, "gate")
		}
		var r moe.Routing
		if err := model.Gate(model.SoftmaxOfTopK, logits, rapid.IntRange(1, 3).Draw(t, "k"), &r); err != nil {
			t.Fatal(err)
		}
		// Silence lasts as long as patience does, and that is no time at all in a
		// bubble.
		var failure error
		synctest.Test(outer, func(t *testing.T) { failure = sameAnswers(t.Context(), d, h, r) })
		if failure != nil {
			t.Fatal(failure)
		}
		if got := d.AckedEpoch(); got != 1 {
			t.Fatalf("acked epoch %d after all calls ended", got)
		}
		for id, rec := range d.nodes.records {
			if rec.groups != 0 {
				t.Fatalf("node %s has %d groups in flight after all calls ended", id, rec.groups)
			}
		}
	})
}

// sameAnswers compares two layers of a dispatcher with one process, bit for
// bit.
func sameAnswers(ctx context.Context, d *Dispatcher, h tensor.Matrix, r moe.Routing) error {
	for layer := range 2 {
		x, want := tensor.NewMatrix(h.Rows, hidden), tensor.NewMatrix(h.Rows, hidden)
		for i := range x.Data {
			x.Data[i], want.Data[i] = float32(i), float32(i)
		}
		err := d.Forward(ctx, layer, h, r, x)
		switch {
		case err == nil:
			if err := (&backend.Local{FFN: pure{}, Wire: tensor.BF16}).Forward(ctx, layer, h, r, want); err != nil {
				return err
			}
		case moe.KindOf(err) != moe.NoReplica:
			return fmt.Errorf("failed with %w", err)
		}
		for i := range x.Data {
			if math.Float32bits(x.Data[i]) != math.Float32bits(want.Data[i]) {
				return fmt.Errorf("element %d is %g, want %g (error %v)", i, x.Data[i], want.Data[i], err)
			}
		}
	}
	return nil
}

// Ten thousand rows against a dead and a slow node: every row is answered, and
// what was needed for it is given back.
func TestManyRowsAgainstADeadAndASlowNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := moe.Replica{Node: "dead"}, moe.Replica{Node: "slow"}
		p, err := moe.NewPlacement(1, "f", moe.Uniform(2, experts), slices.Repeat([][]moe.Replica{{a, b}, {b, a}}, experts))
		if err != nil {
			t.Fatal(err)
		}
		net := faulty.Wrap(node{}, func(n moe.NodeID, _ int, _ *moe.Call) faulty.Fault {
			return faulty.Fault{Failing: n == "dead", Fail: moe.Unreachable, Delay: time.Second}
		})
		d := New(Config{Transport: net, Fingerprint: "f", Wire: tensor.BF16, Hidden: hidden, Topology: moe.Uniform(2, experts)})
		d.Adopt(p)
		h, r := tensor.NewMatrix(10_000, hidden), moe.Routing{K: 2}
		for i := range h.Rows {
			r.Experts, r.Weights = append(r.Experts, int32(i%3), int32(3+i%3)), append(r.Weights, 0.5, 0.5)
		}
		if err := sameAnswers(t.Context(), d, h, r); err != nil {
			t.Fatal(err)
		}
		if n := len(d.nodes.runs); n != 1 {
			t.Errorf("%d runs are kept after one at a time", n)
		}
	})
}

func TestOnlyStrictlyNewerPlacementsOfTheSameModelAreAdopted(t *testing.T) {
	at := func(epoch moe.Epoch, fp moe.Fingerprint) *moe.Placement {
		p, err := moe.NewPlacement(epoch, fp, moe.Uniform(1, 1), [][]moe.Replica{{{Node: "n"}}})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	d := New(Config{Fingerprint: "f", Topology: moe.Uniform(1, 1)})
	for _, tt := range []struct {
		p    *moe.Placement
		want bool
	}{{nil, false}, {at(3, "f"), true}, {at(3, "f"), false}, {at(2, "f"), false}, {at(9, "g"), false}, {at(4, "f"), true}} {
		changed := d.Changed()
		if got := d.Adopt(tt.p); got != tt.want {
			t.Errorf("adopt %+v: %v", tt.p, got)
		}
		select {
		case <-changed:
			if !tt.want {
				t.Error("a change was signaled")
			}
		default:
			if tt.want {
				t.Error("no change was signaled")
			}
		}
	}
}
