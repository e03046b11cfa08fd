package rpc

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"net"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/hachi-serve/hachi/internal/identity"
	"github.com/hachi-serve/hachi/internal/transport/rowbuf"
	"github.com/hachi-serve/hachi/internal/transport/rpc"
	"github.com/hachi-serve/hachi/moe"
)

// trip carries a payload to every node and back.
type trip interface {
	// once returns when all have answered.
	once() error
	// answers are what came back from each node, the first time or the last.
	answers() [][]byte
	close()
}

// open makes a trip to nodes at some addresses; router is who calls with mTLS.
func (c Config) open(v Variant, router *identity.Source, addrs []string, payload []byte) (trip, error) {
	switch v {
	case Hop:
		return c.openHop(nil, addrs, payload), nil
	case Secure:
		return c.openHop(func(node moe.NodeID) *tls.Config { return router.ClientTLS(identity.Expert, string(node)) }, addrs, payload), nil
	case Raw:
		return openRaw(c.network(), addrs, payload)
	default:
		return openUnary(c.network(), addrs, payload)
	}
}

// check compares what came back.
func check(t trip, payload []byte) error {
	for i, got := range t.answers() {
		if !bytes.Equal(got, payload) {
			return fmt.Errorf("node %d answered %d bytes that are not those it was sent", i, len(got))
		}
	}
	return nil
}

// dialable is an address as gRPC's passthrough resolver takes it.
func dialable(network, addr string) string {
	if network == "unix" {
		return "unix:" + addr
	}
	return addr
}

// hop begins all calls and then waits, as dispatch does.
type hop struct {
	pool    *rpc.Pool
	memory  rowbuf.Pool
	to      []moe.Replica
	payload []byte
	calls   []moe.Call
	pending []moe.PendingCall
	last    [][]byte
	ended   chan error
}

func (c Config) openHop(mtls func(moe.NodeID) *tls.Config, addrs []string, payload []byte) *hop {
	h := &hop{
		pool:    rpc.NewPool(rpc.PoolConfig{Router: "bench", Fingerprint: fingerprint, MaxPayload: maxPayload, Spin: c.Spin, TLS: mtls}),
		payload: payload, last: make([][]byte, len(addrs)), ended: make(chan error, len(addrs)),
		calls: make([]moe.Call, len(addrs)), pending: make([]moe.PendingCall, len(addrs)),
	}
	rows := len(payload) / RowBytes
	group := moe.Group{Expert: 1}
	for row := range rows {
		group.Index = append(group.Index, int32(row))
	}
	for i, addr := range addrs {
		h.to = append(h.to, moe.Replica{Node: nodeID, Addr: dialable(c.network(), addr)})
		h.calls[i] = moe.Call{Fingerprint: fingerprint, Epoch: 1, Layer: 3, Rows: rows, Groups: []moe.Group{group}}
		h.pending[i].Done = func(reply *moe.Reply, err error) {
			if err == nil {
				if h.last[i] == nil {
					h.last[i] = bytes.Clone(reply.Y)
				}
				if len(reply.Y) != len(payload) {
					err = fmt.Errorf("an answer of %d bytes, expected %d", len(reply.Y), len(payload))
				}
				reply.Free()
			}
			h.ended <- err
		}
	}
	return h
}

func (h *hop) once() error {
	for i := range h.calls {
		c := &h.calls[i]
		c.X, c.Release = h.memory.Get(len(h.payload))
		copy(c.X, h.payload)
		h.pool.Start(h.to[i], c, &h.pending[i])
	}
	var err error
	for range h.calls {
		if e := <-h.ended; e != nil {
			err = e
		}
	}
	return err
}

func (h *hop) answers() [][]byte { return h.last }

func (h *hop) close() { h.pool.Close() }

// raw writes to all connections, and then reads from all.
type raw struct {
	conns   []net.Conn
	payload []byte
	last    [][]byte
}

func openRaw(network string, addrs []string, payload []byte) (*raw, error) {
	r := &raw{payload: payload}
	for _, addr := range addrs {
		conn, err := net.Dial(network, addr)
		if err != nil {
			r.close()
			return nil, err
		}
		r.conns, r.last = append(r.conns, conn), append(r.last, make([]byte, len(payload)))
		if _, err := conn.Write(binary.LittleEndian.AppendUint32(nil, uint32(len(payload)))); err != nil {
			r.close()
			return nil, err
		}
	}
	return r, nil
}

func (r *raw) once() error {
	for _, conn := range r.conns {
		if _, err := conn.Write(r.payload); err != nil {
			return err
		}
	}
	for i, conn := range r.conns {
		if _, err := io.ReadFull(conn, r.last[i]); err != nil {
			return err
		}
	}
	return nil
}

func (r *raw) answers() [][]byte { return r.last }

func (r *raw) close() {
	for _, conn := range r.conns {
		conn.Close()
	}
}

// unary calls every node from a goroutine of its own, the first from the
// caller's.
type unary struct {
	conns []*grpc.ClientConn
	out   *wrapperspb.BytesValue
	last  [][]byte
	ended chan error
}

func openUnary(network string, addrs []string, payload []byte) (*unary, error) {
	u := &unary{out: wrapperspb.Bytes(payload), last: make([][]byte, len(addrs)), ended: make(chan error, len(addrs))}
	for _, addr := range addrs {
		conn, err := grpc.NewClient("passthrough:///"+dialable(network, addr), grpc.WithTransportCredentials(insecure.NewCredentials()),
			grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(2*maxPayload)))
		if err != nil {
			u.close()
			return nil, err
		}
		u.conns = append(u.conns, conn)
	}
	return u, nil
}

func (u *unary) once() error {
	for i := 1; i < len(u.conns); i++ {
		go func() { u.ended <- u.call(i) }()
	}
	err := u.call(0)
	for range len(u.conns) - 1 {
		if e := <-u.ended; e != nil {
			err = e
		}
	}
	return err
}

func (u *unary) call(i int) error {
	var in wrapperspb.BytesValue
	if err := u.conns[i].Invoke(context.Background(), echo, u.out, &in); err != nil {
		return err
	}
	u.last[i] = in.Value
	if len(in.Value) != len(u.out.Value) {
		return fmt.Errorf("an answer of %d bytes, expected %d", len(in.Value), len(u.out.Value))
	}
	return nil
}

func (u *unary) answers() [][]byte { return u.last }

func (u *unary) close() {
	for _, conn := range u.conns {
		conn.Close()
	}
}
