package peer

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"sync"
	"testing"

	"github.com/hachi-serve/hachi/internal/eventually"
	"github.com/hachi-serve/hachi/internal/weights/checkpoint"
	"github.com/hachi-serve/hachi/internal/weights/source"
)

const (
	childNodes = "HACHI_TEST_PEER_NODES"
	childCache = "HACHI_TEST_PEER_CACHE"
)

// child is a process that fetches every expert from nodes.
func child(nodes, dir string) int {
	var all []Node
	err := json.Unmarshal([]byte(nodes), &all)
	if err == nil {
		err = fetchAll(context.Background(), all, dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func fetchAll(ctx context.Context, nodes []Node, dir string) error {
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	cache, err := source.OpenCache(dir, 0, log)
	if err != nil {
		return err
	}
	files := Through(Config{Logger: log, Nodes: func(context.Context) ([]Node, error) { return nodes, nil }}, nodes[0])
	c, err := checkpoint.OpenRemote(ctx, source.NewModel(files, cache))
	if err != nil {
		return err
	}
	defer c.Close()
	files.Opened()
	_, err = expertsOf(ctx, c)
	return err
}

// gate lets some bytes of all nodes through, and then none until it is opened again.
type gate struct {
	mu   sync.Mutex // guards the fields below
	left int
	shut chan struct{} // closed when nothing is left
}

// open lets n bytes through.
func (g *gate) open(n int) (shut <-chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.left, g.shut = n, make(chan struct{})
	return g.shut
}

// pass waits at a gate that is shut until the reader is gone.
func (g *gate) pass(ctx context.Context, n int) error {
	g.mu.Lock()
	wasOpen := g.left > 0
	g.left -= n
	if wasOpen && g.left <= 0 {
		close(g.shut)
	}
	g.mu.Unlock()
	if wasOpen {
		return nil
	}
	<-ctx.Done()
	return ctx.Err()
}

// TestNodesThatAreKilledFetchNothingCompleteTwice kills a process 20 times while it fetches
// experts from two nodes.
func TestNodesThatAreKilledFetchNothingCompleteTwice(t *testing.T) {
	dir, cache := modelDir(t, 7, true), t.TempDir()
	want, size, _ := local(t, dir)
	var g gate
	through := func(_ *giver, ctx context.Context, name string, at int64, dst []byte) error {
		if !isBulk(name, at, dst) {
			return nil
		}
		return g.pass(ctx, len(dst))
	}
	a, b := give(t, "a", dir, through), give(t, "b", dir, through)
	kept, err := source.OpenCache(cache, 0, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	complete := map[string]bool{} // by part and end of the tensor
	again := func(kill int) {
		for _, r := range append(a.took(), b.took()...) {
			if complete[fmt.Sprint(r.GetName(), r.GetOffset()+r.GetSize())] {
				t.Errorf("process %d asked for the end of %s at %d, which was complete", kill, r.GetName(), r.GetOffset()+r.GetSize())
			}
		}
		for _, part := range keptOf(t, a, kept) {
			complete[part] = true
		}
	}
	const kills = 20
	rng := rand.New(rand.NewPCG(3, 4))
	for i := range kills {
		shut := g.open(int(size)/(kills+2)/2 + rng.IntN(int(size)/(kills+2)))
		cmd, errs := startChild(t, cache, a.Node, b.Node)
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		select {
		case <-shut:
		case err := <-ended:
			t.Fatalf("process %d ended before it was killed: %v\n%s", i, err, errs)
		}
		if i == kills/2 { // a busy machine may kill the others before they have kept anything
			more := int(size) / 3
			eventually.True(t, "a tensor is complete", func() bool {
				if more > 0 {
					g.open(int(size) / 100)
					more -= int(size) / 100
				}
				return len(keptOf(t, a, kept)) > 0
			})
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		<-ended
		again(i)
	}
	if n := len(complete); n == 0 || n == len(want) {
		t.Errorf("%d of %d tensors were complete before the last process", n, len(want))
	}
	g.open(1 << 40)
	cmd, errs := startChild(t, cache, b.Node, a.Node)
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, errs)
	}
	again(kills)
	c, m := join(t, cache, asking(slog.New(slog.DiscardHandler), a, b), a.Node)
	before := m.Fetched()
	if got, err := expertsOf(t.Context(), c); err != nil || !same(got, want) || m.Fetched() != before {
		t.Errorf("other bytes, or %d fetched again: %v", m.Fetched()-before, err)
	}
}

// keptOf are the tensors of experts in a cache, by part and end.
func keptOf(t *testing.T, g *giver, cache *source.Cache) (parts []string) {
	t.Helper()
	m := source.NewModel(Through(asking(slog.New(slog.DiscardHandler)), g.Node), cache)
	for _, id := range g.ckpt.Config().Topology().All() {
		name := fmt.Sprintf("expert-%03d-%03d.safetensors", id.Layer, id.Expert)
		size, _, _ := g.File(name)
		ends := map[string]int64{}
		buffer := make([]byte, size-samplePage)
		err := g.Shelf.Read(name, buffer, samplePage, func(p checkpoint.Piece, dst []byte) error {
			ends[p.Tensor] = int64(len(dst))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		end := int64(samplePage)
		for _, tensor := range []string{"w1", "w2", "w3"} {
			for full, n := range ends {
				if !bytes.HasSuffix([]byte(full), []byte(tensor+".weight")) {
					continue
				}
				end += n
				key := checkpoint.RemoteTensor{Key: g.ckpt.Digest() + "/" + full, Sum: g.ckpt.Manifest().Tensors[full]}
				if m.Kept(key, make([]byte, n), 0) {
					parts = append(parts, fmt.Sprint(name, end))
				}
			}
		}
	}
	return parts
}

// startChild starts a process that fetches all experts.
func startChild(t *testing.T, cache string, nodes ...Node) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	text, err := json.Marshal(nodes)
	if err != nil {
		t.Fatal(err)
	}
	var errs bytes.Buffer
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childNodes+"="+string(text), childCache+"="+cache)
	cmd.Stderr = &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, &errs
}
