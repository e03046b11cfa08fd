package expertnode

import (
	"context"
	"errors"
	"fmt"

	"github.com/hachi-serve/hachi/internal/expertnode/batcher"
	"github.com/hachi-serve/hachi/moe"
)

// work is one call that is being computed.
type work struct {
	node  *Node
	task  batcher.Task
	reply moe.Reply
	done  func(*moe.Reply, error)
}

// Serve implements rpc.Handler.
func (n *Node) Serve(c *moe.Call, done func(*moe.Reply, error)) (cancel func() bool) {
	if err := n.admit(c); err != nil {
		done(nil, err)
		return nil
	}
	w := &work{node: n, done: done}
	w.reply.Y, w.reply.Release = n.cfg.RowMemory(c.OutRows() * n.rowBytes())
	w.task = batcher.Task{Call: c, Y: w.reply.Y, Done: w.over}
	if err := n.batcher.Submit(&w.task); err != nil {
		w.fail(moe.KindOf(err), err)
		return nil
	}
	return w.cancel
}

func (n *Node) rowBytes() int { return n.cfg.Model.Hidden * n.cfg.Wire.Size() }

// over answers the call. Called by the batcher.
func (w *work) over(err error) {
	switch {
	case err == nil:
		w.reply.Queue, w.reply.Compute = w.task.Queue, w.task.Compute
		w.reply.Newer = w.node.newer(w.task.Call.Epoch)
		w.node.count(w.task.Call)
		w.done(&w.reply, nil)
	case errors.Is(err, context.Canceled):
		w.fail(moe.Unreachable, err)
	default:
		var p *moe.Panic
		if errors.As(err, &p) {
			w.node.cfg.Logger.Error("expert call panicked", "router", w.task.Call.Router, "layer", w.task.Call.Layer, "err", p, "stack", string(p.Stack))
		}
		w.fail(moe.KindOf(err), err)
	}
}

func (w *work) fail(kind moe.Kind, err error) {
	w.reply.Free()
	w.done(nil, w.node.fail(w.task.Call, kind, err))
}

// cancel ends the call before it is computed, if that is still possible.
func (w *work) cancel() bool {
	over := w.node.batcher.Cancel(&w.task)
	if over {
		w.reply.Free()
	}
	return over
}

// admit refuses a call that cannot be served here.
func (n *Node) admit(c *moe.Call) error {
	if c.Fingerprint != n.cfg.Fingerprint {
		return n.fail(c, moe.Mismatch, fmt.Errorf("fingerprint %s, expected %s: model or numerics differ", c.Fingerprint, n.cfg.Fingerprint))
	}
	if err := n.check(c); err != nil {
		return n.fail(c, moe.Invalid, err)
	}
	shard := n.resident()
	for _, g := range c.Groups {
		if id := (moe.ExpertID{Layer: c.Layer, Expert: g.Expert}); !shard.Has(id) {
			return n.fail(c, moe.NotHosted, fmt.Errorf("expert %v", id))
		}
	}
	return nil
}

// check finds what is wrong with the shape of a call.
func (n *Node) check(c *moe.Call) error {
	if c.Rows < 0 || len(c.X) != c.Rows*n.rowBytes() {
		return fmt.Errorf("%d bytes for %d rows of %d", len(c.X), c.Rows, n.rowBytes())
	}
	if c.Layer < 0 || c.Layer >= n.cfg.Model.Layers {
		return fmt.Errorf("layer %d of %d", c.Layer, n.cfg.Model.Layers)
	}
	if c.OutRows() == 0 {
		return errors.New("the call asks for nothing")
	}
	for i, g := range c.Groups {
		if g.Expert < 0 || g.Expert >= n.topology.In(c.Layer) || (i > 0 && g.Expert <= c.Groups[i-1].Expert) {
			return fmt.Errorf("expert %d of %d is out of range or order", g.Expert, n.topology.In(c.Layer))
		}
		for _, row := range g.Index {
			if row < 0 || int(row) >= c.Rows {
				return fmt.Errorf("expert %d: row %d of %d", g.Expert, row, c.Rows)
			}
		}
	}
	return nil
}
