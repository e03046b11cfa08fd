package rpc

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"sync"
	"time"

	"google.golang.org/grpc"

	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// peer is one node at one address: a connection and the session on it, if any.
//
//	no session --session(): open, greet--> live session
//	live session --stream ends--> ended session, still in live
//	ended session --session()--> joined, and replaced by a new one
//	any --close, by sweep or Pool.Close--> closed; no way back
type peer struct {
	pool   *Pool
	to     moe.Replica
	conn   *grpc.ClientConn
	ctx    context.Context // ends with the peer
	cancel context.CancelFunc

	opening chan struct{} // a token, so that one goroutine at a time opens a session; close keeps it

	mu     sync.Mutex // guards the fields below
	live   *session   // the last one that opened; it may have ended
	closed bool       // no opening starts any more

	openings sync.WaitGroup // goroutines of calls that wait for a stream

	// Guarded by the pool's lock.
	users int       // calls that have begun and not ended
	used  time.Time // when the last call ended
}

// newPeer does not dial, because the pool's lock is held: gRPC connects with the
// first stream. The scheme passthrough hands the address to the dialer as it is.
func newPeer(pool *Pool, to moe.Replica) (*peer, error) {
	var secure *tls.Config
	if pool.cfg.TLS != nil {
		secure = pool.cfg.TLS(to.Node)
	}
	conn, err := grpc.NewClient("passthrough:///"+to.Addr, dialOptions(pool.cfg.MaxPayload, pool.cfg.Spin, secure)...)
	if err != nil {
		return nil, err
	}
	p := &peer{pool: pool, to: to, conn: conn, opening: make(chan struct{}, 1)}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	return p, nil
}

// session returns the live session, opening one if there is none. Concurrent
// callers share one opening: the others wait for its token and find its session.
// A failed opening is not shared: the next caller tries with its own ctx.
func (p *peer) session(ctx context.Context) (*session, error) {
	if s := p.current(); s != nil {
		return s, nil
	}
	select {
	case p.opening <- struct{}{}:
		defer func() { <-p.opening }()
	case <-p.ctx.Done():
		return nil, unreachable(p.to.Node, errors.New("the stream was closed"))
	case <-ctx.Done():
		return nil, unreachable(p.to.Node, ctx.Err())
	}
	if s := p.current(); s != nil {
		return s, nil
	}
	s, err := p.open(ctx)
	if err != nil {
		return nil, err
	}
	p.joinLive() // an ended one: a peer has one pair of goroutines at a time
	p.mu.Lock()
	p.live = s
	p.mu.Unlock()
	return s, nil
}

// current is the live session; nil if there is none or it has ended.
func (p *peer) current() *session {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.live == nil || p.live.ended() {
		return nil
	}
	return p.live
}

// open starts a stream and waits for the welcome, or for ctx. The stream's own
// context ends with the peer and not with ctx, which is only that of the call
// that happened to open it.
func (p *peer) open(ctx context.Context) (*session, error) {
	streamCtx, cancel := context.WithCancel(p.ctx)
	giveUp := context.AfterFunc(ctx, cancel)
	stream, err := hachiv1.NewExpertServiceClient(p.conn).Exchange(streamCtx)
	var welcome *hachiv1.Welcome
	if err == nil {
		welcome, err = p.greet(stream)
	}
	// If ctx ended after the welcome came, streamCtx is canceled or soon will be.
	if !giveUp() && err == nil {
		err = unreachable(p.to.Node, ctx.Err())
	}
	if err != nil {
		cancel()
		var known *moe.Error
		if errors.As(err, &known) {
			return nil, err
		}
		return nil, streamError(p.to.Node, err)
	}
	return startSession(p, stream, cancel, welcome), nil
}

// greet says hello and checks who answers. The fingerprint comes first: with
// another model no answer could be used. A different node at this address is a
// restart under another name, or an address that moved on: the replica that the
// placement names is not there.
func (p *peer) greet(stream grpc.ClientStream) (*hachiv1.Welcome, error) {
	hello := &hachiv1.ExchangeRequest{Body: &hachiv1.ExchangeRequest_Hello{Hello: &hachiv1.Hello{
		RouterId: string(p.pool.cfg.Router), Fingerprint: string(p.pool.cfg.Fingerprint),
	}}}
	// The error of SendMsg is only io.EOF; RecvMsg returns the stream's status.
	_ = stream.SendMsg(p.pool.out.plain(hello))
	in := &incoming{memory: &p.pool.memory}
	defer in.hold.free()
	if err := stream.RecvMsg(in); err != nil {
		return nil, err
	}
	var r hachiv1.ExchangeResponse
	if in.err == nil {
		in.err = in.generated(&r)
	}
	welcome := r.GetWelcome()
	switch {
	case in.err != nil:
		return nil, &moe.Error{Op: op, Node: p.to.Node, Kind: moe.Corrupt, Err: in.err}
	case welcome == nil:
		return nil, &moe.Error{Op: op, Node: p.to.Node, Kind: moe.Corrupt, Err: fmt.Errorf("message %d where a welcome was expected", in.field)}
	case welcome.GetFingerprint() != string(p.pool.cfg.Fingerprint):
		return nil, &moe.Error{Op: op, Node: p.to.Node, Kind: moe.Mismatch,
			Err: fmt.Errorf("fingerprint %s, expected %s: model or numerics differ", welcome.GetFingerprint(), p.pool.cfg.Fingerprint)}
	case welcome.GetNodeId() != string(p.to.Node):
		return nil, unreachable(p.to.Node, fmt.Errorf("node %s answers at %s", welcome.GetNodeId(), p.to.Addr))
	}
	return welcome, nil
}

// finish ends a call. The peer is released first: Done may start another call.
func (p *peer) finish(t *moe.PendingCall, reply *moe.Reply, err error) {
	p.pool.release(p)
	t.Done(reply, err)
}

// draining reports that the node asks for no new calls.
func (p *peer) draining() {
	if p.pool.isCurrent(p) {
		p.pool.cfg.Draining(p.to.Node)
	}
}

// goOpen runs f on a goroutine that close joins; false once the peer is closed.
// The lock orders Go before close's Wait, which a WaitGroup requires.
func (p *peer) goOpen(f func()) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closed {
		p.openings.Go(f)
	}
	return !p.closed
}

// close ends the session and the connection and joins all goroutines of the
// peer. It is called once, without a lock: the sessions it joins end their calls,
// and Done may call the pool.
func (p *peer) close() {
	p.cancel()
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.openings.Wait()
	p.opening <- struct{}{} // after any open in progress, and before no other
	p.joinLive()
	p.conn.Close()
}

// joinLive joins outside the lock, which the goroutines it waits for may take.
func (p *peer) joinLive() {
	p.mu.Lock()
	live := p.live
	p.mu.Unlock()
	if live != nil {
		live.join()
	}
}
