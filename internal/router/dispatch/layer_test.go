package dispatch

import (
	"errors"
	"testing"
	"time"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/moe"
)

// manual is a transport whose calls end when the test says so, on its goroutine.
type manual struct {
	calls []*moe.PendingCall
	to    []moe.NodeID
	rows  []int
}

func (m *manual) Start(to moe.Replica, c *moe.Call, p *moe.PendingCall) {
	m.calls, m.to, m.rows = append(m.calls, p), append(m.to, to.Node), append(m.rows, c.OutRows())
	c.Release()
}

func (m *manual) Cancel(p *moe.PendingCall) {
	for i, other := range m.calls {
		if other == p {
			m.end(i, errors.New("canceled"))
		}
	}
}

// end ends a call, once.
func (m *manual) end(i int, err error) {
	p := m.calls[i]
	if m.calls[i] = nil; p == nil {
		return
	}
	if err != nil {
		p.Done(nil, err)
		return
	}
	p.Done(&moe.Reply{Y: make([]byte, 2*m.rows[i]), Compute: time.Millisecond}, nil)
}

// manualLayer is a layer of two rows for two experts that both nodes hold, on a clock
// that the test sets.
func manualLayer(t *testing.T) (*Dispatcher, *manual, *time.Time, func() Layer) {
	t.Helper()
	net, now := &manual{}, time.Unix(1000, 0)
	d := New(Config{Transport: net, Fingerprint: "f", Wire: tensor.BF16, Hidden: 1, Topology: moe.Uniform(1, 2), Now: func() time.Time { return now }})
	both := []moe.Replica{{Node: "a"}, {Node: "b"}}
	p, err := moe.NewPlacement(1, "f", moe.Uniform(1, 2), [][]moe.Replica{both, both})
	if err != nil {
		t.Fatal(err)
	}
	d.Adopt(p)
	return d, net, &now, func() Layer {
		l, err := d.Begin(0, tensor.NewMatrix(2, 1), moe.Routing{K: 1, Experts: []int32{0, 1}, Weights: []float32{1, 1}})
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
}

func TestALayerFailsOverWithoutWaiting(t *testing.T) {
	d, net, now, begin := manualLayer(t)
	l := begin()
	for i := range net.calls {
		net.end(i, errors.New("reset"))
	}
	sent := len(net.calls)
	if err := l.Settle(); err != nil || !l.Open() || len(net.calls) == sent {
		t.Fatalf("%v, open %v, %d calls after %d failed", err, l.Open(), len(net.calls), sent)
	}
	*now = now.Add(time.Millisecond)
	for i := range net.calls {
		net.end(i, nil)
	}
	if err := l.Settle(); err != nil || l.Open() {
		t.Errorf("%v, open %v after both rows came", err, l.Open())
	}
	l.End()
	if d.AckedEpoch() != 1 || d.Stats().Rows < 2 {
		t.Errorf("epoch %d is acked, %+v", d.AckedEpoch(), d.Stats())
	}
}

// TestALayerActsOnItsDeadlines: a call that is late by the given clock is hedged, and
// canceled in the end.
func TestALayerActsOnItsDeadlines(t *testing.T) {
	d, net, now, begin := manualLayer(t)
	for range 2 * minSamples { // patience is learned
		l := begin()
		*now = now.Add(time.Millisecond)
		for i := range net.calls {
			net.end(i, nil)
		}
		if err := l.Settle(); err != nil || l.Open() {
			t.Fatal(err)
		}
		l.End()
	}
	l := begin()
	sent := len(net.calls)
	due := l.Deadline()
	if wait := due.Sub(*now); wait < minHedge || wait > 10*time.Millisecond {
		t.Fatalf("a late call is hedged after %v", wait)
	}
	*now = due
	if err := l.Expire(due); err != nil || len(net.calls) == sent || d.Stats().Hedges == 0 {
		t.Errorf("%v, %d calls after %d, %+v", err, len(net.calls), sent, d.Stats())
	}
	l.End()
	for i, p := range net.calls {
		if p != nil {
			t.Errorf("call %d to %s is in flight after the end", i, net.to[i])
		}
	}
}

func TestALayerWithoutAPlacementDoesNotBegin(t *testing.T) {
	d := New(Config{Fingerprint: "f", Hidden: 1, Wire: tensor.BF16, Topology: moe.Uniform(1, 2)})
	if _, err := d.Begin(0, tensor.NewMatrix(1, 1), moe.Routing{K: 1, Experts: []int32{0}, Weights: []float32{1}}); moe.KindOf(err) != moe.NoReplica {
		t.Errorf("%v, want that no replica is known", err)
	}
}
