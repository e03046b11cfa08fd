package dispatch

import (
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/internal/transport/faulty"
	"github.com/hachi-serve/hachi/internal/transport/rpc"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

const maxPayload = 1 << 20

// Serve makes a node of these tests one that is called over a network.
func (n node) Serve(c *moe.Call, done func(*moe.Reply, error)) func() bool {
	reply, err := n.compute(c)
	if err == nil {
		reply.Compute = 50 * time.Microsecond
	}
	done(reply, err)
	return nil
}

// serveNode serves a node on loopback until the test ends.
func serveNode(t *testing.T, id moe.NodeID) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := grpc.NewServer(rpc.ServerOptions(maxPayload)...)
	hachiv1.RegisterExpertServiceServer(s, rpc.NewServer(rpc.ServerConfig{
		Handler: node{}, Node: id, Fingerprint: "f", RowBytes: 2 * hidden, MaxPayload: maxPayload,
	}))
	var serving sync.WaitGroup
	serving.Go(func() { _ = s.Serve(l) })
	t.Cleanup(func() { s.Stop(); serving.Wait() })
	return l.Addr().String()
}

// wired is a dispatcher over nodes that all hold everything, each behind a
// relay.
type wired struct {
	*Dispatcher
	relays map[moe.NodeID]*faulty.Relay
	h      tensor.Matrix
	r      moe.Routing

	mu    sync.Mutex // guards kinds
	kinds map[moe.Kind]int
}

func overRelays(t *testing.T, ids ...moe.NodeID) *wired {
	t.Helper()
	w := &wired{relays: map[moe.NodeID]*faulty.Relay{}, kinds: map[moe.Kind]int{}}
	var replicas []moe.Replica
	for _, id := range ids {
		relay, err := faulty.NewRelay(serveNode(t, id))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(relay.Close)
		w.relays[id] = relay
		replicas = append(replicas, moe.Replica{Node: id, Addr: relay.Addr()})
	}
	table := make([][]moe.Replica, 2*experts)
	for i := range table {
		for j := range replicas {
			table[i] = append(table[i], replicas[(i+j)%len(replicas)])
		}
	}
	p, err := moe.NewPlacement(1, "f", moe.Uniform(2, experts), table)
	if err != nil {
		t.Fatal(err)
	}
	pool := rpc.NewPool(rpc.PoolConfig{Router: "r", Fingerprint: "f", MaxPayload: maxPayload,
		Lost: func(n moe.NodeID) { w.Lose(n) }, Found: func(n moe.NodeID) { w.Find(n) }})
	t.Cleanup(pool.Close)
	w.Dispatcher = New(Config{
		Transport: pool, Fingerprint: "f", Wire: tensor.BF16, Hidden: hidden, Topology: moe.Uniform(2, experts),
		OnFailover: func(_ moe.NodeID, kind moe.Kind, _ int) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.kinds[kind]++
		},
	})
	w.Adopt(p)
	pool.Keep(p.Nodes())
	w.rows(t, 300)
	return w
}

// rows draws what the layers are asked for: some rows, each for two experts.
func (w *wired) rows(t *testing.T, n int) {
	t.Helper()
	random := rand.New(rand.NewPCG(uint64(n), 8))
	w.h = tensor.NewMatrix(n, hidden)
	logits := tensor.NewMatrix(n, experts)
	for _, m := range []tensor.Matrix{w.h, logits} {
		for i := range m.Data {
			m.Data[i] = 6*random.Float32() - 3
		}
	}
	tensor.Round(w.h.Data, tensor.BF16)
	if err := model.Gate(model.SoftmaxOfTopK, logits, 2, &w.r); err != nil {
		t.Fatal(err)
	}
}

// check runs two layers and compares them with one process.
func (w *wired) check(t *testing.T) {
	t.Helper()
	if err := sameAnswers(t.Context(), w.Dispatcher, w.h, w.r); err != nil {
		t.Fatal(err)
	}
}

func (w *wired) failovers(kind moe.Kind) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.kinds[kind]
}

// failedOver reports that something went wrong with a call.
func (w *wired) failedOver() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.kinds) > 0
}

// busiest is the node that answered most since before.
func busiest(before, after []NodeStats) moe.NodeID {
	known := map[moe.NodeID]uint64{}
	for _, n := range before {
		known[n.Node] = n.Answered.Count
	}
	best := after[0]
	for _, n := range after {
		if n.Answered.Count-known[n.Node] > best.Answered.Count-known[best.Node] {
			best = n
		}
	}
	return best.Node
}

// suspicions is how often the router put nodes last.
func (w *wired) suspicions() uint64 {
	sum := uint64(0)
	for _, n := range w.Nodes() {
		sum += n.Suspicions
	}
	return sum
}

// TestFaultsOnTheWire: real streams to real servers, and between them a wire
// that damages, keeps back, delays or resets. The layers give the bits of one
// process whatever happens, and the router notices what happened.
func TestFaultsOnTheWire(t *testing.T) {
	both := func(r *faulty.Relay, w faulty.Wire) {
		r.Set(faulty.ToServer, w)
		r.Set(faulty.ToClient, w)
	}
	tests := []struct {
		name    string
		fault   func(*faulty.Relay)
		noticed func(*wired) bool
	}{
		{"damage on the way there", func(r *faulty.Relay) { r.Set(faulty.ToServer, faulty.Wire{Damage: 400}) },
			func(w *wired) bool { return w.failovers(moe.Corrupt) > 0 }},
		{"damage on the way back", func(r *faulty.Relay) { r.Set(faulty.ToClient, faulty.Wire{Damage: 400}) },
			func(w *wired) bool { return w.failovers(moe.Corrupt) > 0 }},
		{"reset", func(r *faulty.Relay) { r.Cut() }, func(w *wired) bool { return w.suspicions() > 0 }},
		{"half-open: calls are lost", func(r *faulty.Relay) { r.Set(faulty.ToServer, faulty.Wire{Silent: true}) },
			func(w *wired) bool { return w.suspicions() > 0 }},
		{"half-open: answers are lost", func(r *faulty.Relay) { r.Set(faulty.ToClient, faulty.Wire{Silent: true}) },
			func(w *wired) bool { return w.suspicions() > 0 }},
		{"silence", func(r *faulty.Relay) { both(r, faulty.Wire{Silent: true}) }, func(w *wired) bool { return w.suspicions() > 0 }},
		// Longer than any patience: on a machine that is slow itself, the router
		// gets used to less.
		{"delay", func(r *faulty.Relay) { both(r, faulty.Wire{Delay: time.Second}) },
			func(w *wired) bool { return w.suspicions() > 0 }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel() // they wait most of the time
			w := overRelays(t, "a", "b", "c")
			for range 50 {
				w.check(t)
			}
			before := w.Nodes()
			for range 10 {
				w.check(t)
			}
			victim := w.relays[busiest(before, w.Nodes())]
			tt.fault(victim)
			for checks := 0; !tt.noticed(w); checks++ {
				if checks == 10_000 {
					t.Fatalf("unnoticed: %+v, %+v", w.Nodes(), w.Stats())
				}
				w.check(t)
				if checks%100 == 99 {
					// What was damaged may have been no row, but a frame's header: that
					// breaks the stream, and is not seen as damage.
					tt.fault(victim)
				}
			}
			for range 10 {
				w.check(t)
			}
			both(victim, faulty.Wire{})
			for range 10 {
				w.check(t)
			}
		})
	}
}

// TestStormOnTheWire: faults of all kinds on all wires at once, at the whim of a
// seed: bits of frames and headers too. There may be no replica for a moment;
// there is never another answer.
func TestStormOnTheWire(t *testing.T) {
	const seed = 8
	w := overRelays(t, "a", "b", "c")
	stop := make(chan struct{})
	var storm sync.WaitGroup
	for i, id := range []moe.NodeID{"a", "b", "c"} {
		storm.Go(func() {
			random := rand.New(rand.NewPCG(seed, uint64(i)))
			for {
				select {
				case <-stop:
					w.relays[id].Set(faulty.ToServer, faulty.Wire{})
					w.relays[id].Set(faulty.ToClient, faulty.Wire{})
					return
				case <-time.After(time.Duration(random.IntN(40)) * time.Millisecond):
				}
				switch random.IntN(8) {
				case 0:
					w.relays[id].Cut()
				case 1:
					w.relays[id].Set(faulty.Direction(random.IntN(2)), faulty.Wire{Silent: true})
				case 2:
					w.relays[id].Set(faulty.Direction(random.IntN(2)), faulty.Wire{Delay: 5 * time.Millisecond})
				case 3, 4:
					w.relays[id].Set(faulty.Direction(random.IntN(2)), faulty.Wire{Damage: 1 + random.IntN(600)})
				default:
					w.relays[id].Set(faulty.Direction(random.IntN(2)), faulty.Wire{})
				}
			}
		})
	}
	layers := 0
	for began := time.Now(); time.Since(began) < time.Second || (!w.failedOver() && layers < 10_000); layers++ {
		w.rows(t, 1+layers%400)
		w.check(t)
	}
	close(stop)
	storm.Wait()
	w.check(t)
	t.Logf("%d pairs of layers; %+v", layers, w.Stats())
	if !w.failedOver() {
		t.Error("nothing happened")
	}
}
