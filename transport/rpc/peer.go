package rpc

import (
	"context"
	"fmt"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// peer is one node at one address: a connection and the session on it, if any.
type peer struct {
	cfg    PoolConfig
	to     moe.Replica
	conn   *grpc.ClientConn
	ctx    context.Context // ends with the peer
	cancel context.CancelFunc

	opening chan struct{} // a token: held by who opens a session

	mu   sync.Mutex // guards live
	live *session
}

func newPeer(cfg PoolConfig, to moe.Replica) (*peer, error) {
	conn, err := grpc.NewClient("passthrough:///"+to.Addr, dialOptions(cfg.MaxPayload)...)
	if err != nil {
		return nil, err
	}
	p := &peer{cfg: cfg, to: to, conn: conn, opening: make(chan struct{}, 1)}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	return p, nil
}

// session returns the live session, opening one if there is none.
func (p *peer) session(ctx context.Context) (*session, error) {
	if s := p.current(); s != nil {
		return s, nil
	}
	select {
	case p.opening <- struct{}{}:
		defer func() { <-p.opening }()
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
	p.mu.Lock()
	p.live = s
	p.mu.Unlock()
	return s, nil
}

func (p *peer) current() *session {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.live == nil || p.live.ended() {
		return nil
	}
	return p.live
}

// open starts a stream and waits for the welcome, or for ctx.
func (p *peer) open(ctx context.Context) (*session, error) {
	streamCtx, cancel := context.WithCancel(p.ctx)
	giveUp := context.AfterFunc(ctx, cancel)
	stream, err := hachiv1.NewExpertServiceClient(p.conn).Exchange(streamCtx)
	if err == nil {
		err = stream.SendMsg(&frame{body: &hachiv1.ExchangeRequest{Body: &hachiv1.ExchangeRequest_Hello{Hello: &hachiv1.Hello{
			RouterId: string(p.cfg.Router), Fingerprint: string(p.cfg.Fingerprint),
		}}}})
	}
	in := &frame{body: &hachiv1.ExchangeResponse{}}
	// Send's error hides the reason of a broken stream; receiving tells it.
	if recvErr := receive(stream, in, err); recvErr != nil {
		cancel()
		return nil, p.refused(recvErr)
	}
	welcome := in.body.(*hachiv1.ExchangeResponse).GetWelcome()
	if welcome == nil || welcome.GetFingerprint() != string(p.cfg.Fingerprint) {
		cancel()
		return nil, &moe.Error{Op: op, Node: p.to.Node, Kind: moe.Mismatch, Err: fmt.Errorf("welcome %v", welcome)}
	}
	if !giveUp() {
		cancel()
		return nil, unreachable(p.to.Node, ctx.Err())
	}
	return startSession(p, stream, cancel, welcome), nil
}

func receive(stream grpc.ClientStream, in *frame, err error) error {
	if stream == nil {
		return err
	}
	if err := stream.RecvMsg(in); err != nil {
		return err
	}
	return in.err
}

// refused tells a different model from a node that cannot be reached.
func (p *peer) refused(err error) error {
	if status.Code(err) == codes.FailedPrecondition {
		return &moe.Error{Op: op, Node: p.to.Node, Kind: moe.Mismatch, Err: err}
	}
	return unreachable(p.to.Node, err)
}

// close ends the session and the connection.
func (p *peer) close() {
	p.cancel()
	p.opening <- struct{}{} // after any open in progress
	p.mu.Lock()
	live := p.live
	p.mu.Unlock()
	if live != nil {
		live.join()
	}
	p.conn.Close()
}
