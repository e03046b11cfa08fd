package expertnode

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/moe"
)

// notebook is a Memory.
type notebook struct {
	shard  moe.Shard
	err    error
	writes int
}

func (n *notebook) Recall() (moe.Shard, error) { return n.shard, n.err }

func (n *notebook) Remember(s moe.Shard) error {
	n.shard, n.writes = s, n.writes+1
	return n.err
}

func TestANodeLoadsWhatItHeldUntilItHasNews(t *testing.T) {
	d := &disk{damaged: map[moe.ExpertID]error{e(0, 1): errors.New("bad checksum")}}
	cfg := Config{Loader: d, ExpertBytes: 100, Capacity: 200, Memory: &notebook{shard: moe.Shard{e(0, 0), e(0, 1), e(1, 0), e(1, 1)}}}
	n := New(cfg)
	n.recall(t.Context())
	if got := fmt.Sprint(n.resident()); got != "[L0/E0 L1/E0]" {
		t.Errorf("resident %s, want what is sound and has room", got)
	}
	news, end := context.WithCancel(t.Context())
	end()
	n = New(cfg)
	if n.recall(news); len(n.resident()) != 0 {
		t.Errorf("resident %v", n.resident())
	}
}

func TestWhatWasRecalledIsReportedAndFollowsTheTarget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory := &notebook{shard: moe.Shard{e(0, 0), e(1, 0)}}
		b := start(t, func(c *Config) { c.Memory = memory }, func(n *Node) { n.recall(t.Context()) })
		defer b.stop(t)
		synctest.Wait()
		if got := b.resident(t); got != "[L0/E0 L1/E0]" || b.node.Ready() {
			t.Errorf("resident %s, ready %v: want what was recalled, and not ready without a target", got, b.node.Ready())
		}
		b.target <- want(e(1, 0), e(1, 1))
		b.placement <- placed(t, 7, e(1, 0), e(1, 1))
		b.routers <- acked(7)
		time.Sleep(time.Second)
		if got := b.resident(t); got != "[L1/E0 L1/E1]" || fmt.Sprint(memory.shard) != got {
			t.Errorf("resident %s, remembered %v", got, memory.shard)
		}
		b.target <- want(e(1, 0), e(1, 1))
		synctest.Wait()
		if memory.writes != 1 {
			t.Errorf("%d writes of one shard", memory.writes)
		}
	})
}

func TestANodeServesWithoutItsMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory := &notebook{shard: moe.Shard{e(0, 0)}, err: errors.New("disk is full")}
		b := start(t, func(c *Config) { c.Memory = memory }, func(n *Node) { n.recall(t.Context()) })
		defer b.stop(t)
		b.target <- want(e(1, 0))
		time.Sleep(time.Second)
		if got := b.resident(t); got != "[L1/E0]" {
			t.Errorf("resident %s", got)
		}
		memory.err = nil
		b.target <- want(e(1, 0))
		synctest.Wait()
		if memory.writes != 2 {
			t.Errorf("%d writes, want another after the one that failed", memory.writes)
		}
	})
}

// TestCallsAreComputedBeforeTheNodeIsAMember: etcd is away, and a router that knows the
// node calls it.
func TestCallsAreComputedBeforeTheNodeIsAMember(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, refuse := context.WithCancel(t.Context())
		n := New(Config{
			ID: self, Fingerprint: "f", Model: model.Config{Layers: layers, Experts: experts, Hidden: hidden}, Wire: tensor.F32, FFN: twice{}, Loader: &disk{},
			ExpertBytes: 100, QueueRows: 64, Memory: &notebook{shard: moe.Shard{e(0, 0)}},
		})
		end := make(chan error, 1)
		go func() {
			end <- n.Run(t.Context(), func(context.Context) (Session, Watches, error) {
				<-ctx.Done()
				return nil, Watches{}, errors.New("the name is another's")
			})
		}()
		synctest.Wait()
		answer, _ := (&bench{node: n}).serve(ask([]float32{1, 2, 3, 4}, 0, 0))
		if got := <-answer; got.err != nil {
			t.Error(got.err)
		}
		refuse()
		if err := <-end; err == nil {
			t.Error("a node without a name runs on")
		}
	})
}
