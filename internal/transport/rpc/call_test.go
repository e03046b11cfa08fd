package rpc

import (
	"context"

	"github.com/hachi-serve/hachi/moe"
)

// Call carries one call and waits for its end.
func (p *Pool) Call(ctx context.Context, to moe.Replica, c *moe.Call) (*moe.Reply, error) {
	return moe.Await(ctx, p, to, c)
}
