package faulty

import (
	"math/rand/v2"
	"time"

	"github.com/hachi-serve/hachi/moe"
)

// Server computes calls, as rpc.Handler does.
type Server interface {
	Serve(c *moe.Call, done func(*moe.Reply, error)) (cancel func() bool)
}

// Handler lets a share of a node's answers be late, each by itself: those that
// come after it do not wait for it.
type Handler struct {
	Under Server
	Share float64 // 0 to 1
	Late  time.Duration
}

// Serve implements rpc.Handler.
func (h *Handler) Serve(c *moe.Call, done func(*moe.Reply, error)) func() bool {
	if rand.Float64() >= h.Share {
		return h.Under.Serve(c, done)
	}
	return h.Under.Serve(c, func(reply *moe.Reply, err error) {
		time.AfterFunc(h.Late, func() { done(reply, err) })
	})
}
