package dispatch

import (
	"context"
	"fmt"
	"time"

	"github.com/hachi-serve/hachi/compute/tensor"
	"github.com/hachi-serve/hachi/model"
	"github.com/hachi-serve/hachi/moe"
)

// busyWait is how long Forward waits when every replica of an expert is full.
const busyWait = 5 * time.Millisecond

// layerRun is one Forward: the calls of one layer.
type layerRun struct {
	d         *Dispatcher
	layer     int
	h         tensor.Matrix
	k         int
	placement *moe.Placement
	suspects  suspicion
	replies   tensor.Matrix // [rows*K, hidden], by slot
	results   chan result
	running   int
}

type result struct {
	share *share
	reply *moe.Reply
	err   error
}

// Forward implements model.Experts.
func (d *Dispatcher) Forward(ctx context.Context, layer int, h tensor.Matrix, r moe.Routing, x tensor.Matrix) error {
	placement, suspects, release := d.pin()
	defer release()
	if placement == nil {
		return noReplica(moe.ExpertID{Layer: layer}, nil, nil)
	}
	todo := tasks(r, d.cfg.Experts)
	for _, t := range todo {
		d.counts[layer*d.cfg.Experts+t.expert].Add(uint64(len(t.slots)))
	}
	run := &layerRun{
		d: d, layer: layer, h: h, k: r.K, placement: placement, suspects: suspects,
		replies: tensor.NewMatrix(h.Rows*r.K, h.Cols), results: make(chan result),
	}
	if err := run.all(ctx, todo); err != nil {
		return err
	}
	model.Combine(x, r, make([]float32, h.Cols), func(row, slot int) []float32 { return run.replies.Row(row*r.K + slot) })
	return nil
}

// all sends every task until each has a reply. It joins its calls before it
// returns.
func (l *layerRun) all(ctx context.Context, todo []*task) error {
	ctx, cancel := context.WithCancel(ctx)
	defer func() {
		cancel()
		for ; l.running > 0; l.running-- {
			(<-l.results).reply.Free()
		}
	}()
	if err := l.send(ctx, todo); err != nil {
		return err
	}
	for l.running > 0 {
		res := <-l.results
		l.running--
		if res.err == nil {
			res.err = l.take(res.share, res.reply)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		l.d.settle(res.share.to.Node, res.share.rows, res.err)
		if res.err == nil {
			continue
		}
		if kindOf(res.err) == moe.Invalid || kindOf(res.err) == moe.Internal {
			return res.err
		}
		for _, t := range res.share.tasks {
			t.tried, t.last = append(t.tried, res.share.to.Node), res.err
		}
		if err := l.send(ctx, res.share.tasks); err != nil {
			return err
		}
	}
	return nil
}

// send plans tasks and starts a call per node.
func (l *layerRun) send(ctx context.Context, todo []*task) error {
	shares, lost := plan(todo, l.replicas, l.suspects)
	for lost != nil && kindOf(lost.last) == moe.Busy {
		// Full is not gone: give the queues a moment and ask all again.
		select {
		case <-time.After(busyWait):
		case <-ctx.Done():
			return ctx.Err()
		}
		for _, t := range todo {
			t.tried = nil
		}
		shares, lost = plan(todo, l.replicas, l.suspects)
	}
	if lost != nil {
		return noReplica(moe.ExpertID{Layer: l.layer, Expert: lost.expert}, l.placement, lost.last)
	}
	for _, s := range shares {
		c := s.call(l.h, l.k, l.d.cfg.Wire)
		c.Fingerprint, c.Epoch, c.Layer = l.d.cfg.Fingerprint, l.placement.Epoch(), l.layer
		l.running++
		go func() {
			ctx, cancel := context.WithTimeout(ctx, l.d.timeout(s.rows))
			defer cancel()
			reply, err := l.d.cfg.Caller.Call(ctx, s.to, c)
			l.results <- result{s, reply, err}
		}()
	}
	return nil
}

func (l *layerRun) replicas(expert int) []moe.Replica {
	return l.placement.Replicas(moe.ExpertID{Layer: l.layer, Expert: expert})
}

// take keeps the rows of a reply.
func (l *layerRun) take(s *share, reply *moe.Reply) error {
	defer reply.Free()
	l.d.Adopt(reply.Newer)
	size := l.h.Cols * l.d.cfg.Wire.Size()
	if len(reply.Y) != s.rows*size {
		return &moe.Error{Op: "expert call", Node: s.to.Node, Kind: moe.Corrupt,
			Err: fmt.Errorf("reply of %d bytes, expected %d rows of %d", len(reply.Y), s.rows, size)}
	}
	at := 0
	for _, t := range s.tasks {
		for _, slot := range t.slots {
			tensor.Decode(l.replies.Row(slot), reply.Y[at:at+size], l.d.cfg.Wire)
			at += size
		}
	}
	return nil
}
