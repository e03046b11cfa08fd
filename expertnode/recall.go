package expertnode

import (
	"context"
	"slices"

	"github.com/hachi-serve/hachi/moe"
)

// Memory keeps the shard of a node over a restart: lastshard.File.
type Memory interface {
	Remember(moe.Shard) error
	Recall() (moe.Shard, error) // nil when nothing is remembered
}

// recall loads the experts that the node was given last, until ctx ends. It runs while
// the node cannot hear its target: routers that still have the placement of before call
// it again, without etcd. Once the target is known, Run loads and unloads as ever.
func (n *Node) recall(ctx context.Context) {
	if n.cfg.Memory == nil {
		return
	}
	shard, err := n.cfg.Memory.Recall()
	if err != nil {
		n.cfg.Logger.Warn("what the node held last is not known", "err", err)
		return
	}
	for _, id := range shard {
		if ctx.Err() != nil {
			return
		}
		resident := n.resident()
		if err := n.load(ctx, id, len(resident)); err != nil {
			if ctx.Err() == nil {
				n.cfg.Logger.Warn("an expert that the node held last is not loaded", "expert", id, "err", err)
			}
			continue
		}
		n.setResident(moe.NewShard(append(slices.Clone(resident), id)))
	}
}

// remember keeps what the target gives the node.
func (l *loop) remember(shard moe.Shard) {
	if l.n.cfg.Memory == nil || (l.remembered && slices.Equal(shard, l.last)) {
		return
	}
	if err := l.n.cfg.Memory.Remember(shard); err != nil {
		l.forgets.Failed("state", "err", err)
		return
	}
	l.forgets.Worked("state")
	l.last, l.remembered = slices.Clone(shard), true
}
