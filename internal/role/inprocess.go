package role

import (
	"context"
	"errors"

	"github.com/hachi-serve/hachi/internal/cluster/registry"
	"github.com/hachi-serve/hachi/internal/transport/inproc"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// InProcess joins the roles of one process: they share a store and a network of
// function calls, and use no etcd, no gossip and no gRPC among themselves.
type InProcess struct {
	Store   registry.Store
	Network *inproc.Network
}

// ErrKilled is the cause of the end of a context that stops an expert node as a
// killed process stops: its calls are cut off, and its record stays until the
// lease ends.
var ErrKilled = errors.New("the node was killed")

func killed(ctx context.Context) bool { return errors.Is(context.Cause(ctx), ErrKilled) }

// nodeServer takes the calls of routers.
type nodeServer interface {
	// leave asks routers to prefer other nodes, before the lease says so. Calls
	// are still answered.
	leave()
	stop()
}

// onNetwork is a node that is called by function calls.
type onNetwork struct {
	network *inproc.Network
	id      moe.NodeID
}

func (s onNetwork) leave() {}
func (s onNetwork) stop()  { s.network.Disconnect(s.id) }

// nodeSession is a node's record. A killed node leaves its record as it is.
type nodeSession struct {
	*registry.NodeSession
	ctx context.Context // of the role
}

// Update implements expertnode.Session.
func (s nodeSession) Update(change func(*hachiv1.NodeRecord)) {
	if !killed(s.ctx) {
		s.NodeSession.Update(change)
	}
}

// Close implements expertnode.Session.
func (s nodeSession) Close(ctx context.Context) error {
	if killed(s.ctx) {
		s.NodeSession.Abandon()
		return nil
	}
	return s.NodeSession.Close(ctx)
}
