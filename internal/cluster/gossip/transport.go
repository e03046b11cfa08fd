package gossip

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/hashicorp/memberlist"
)

const (
	// maxStreams bounds the streams that are read at once, and maxStream the bytes of
	// each: together they bound the memory that strangers can take.
	maxStreams = 16
	maxStream  = 1 << 20
	// portTries is how often a free port is tried that TCP and UDP both have.
	portTries = 10
)

// transport is memberlist's, of which memberlist hears only what members send, and not
// much of it at once. By itself memberlist buffers 20 MiB of each stream before it asks for
// a key, unpacks compressed messages within compressed messages, and panics at messages
// that a key has sealed with a wrong padding or without content.
type transport struct {
	*memberlist.NetTransport
	keys    *Keys // nil is plaintext
	logger  *slog.Logger
	packets chan *memberlist.Packet
	streams chan net.Conn
	slots   chan struct{} // one element for each stream that is read
	ctx     context.Context
	stop    context.CancelFunc
	work    sync.WaitGroup
}

// listen opens the listeners of a configuration of memberlist, and sets the port there.
func listen(mc *memberlist.Config, keys *Keys, logger *slog.Logger) (*transport, error) {
	var inner *memberlist.NetTransport
	var err error
	for range portTries {
		inner, err = memberlist.NewNetTransport(&memberlist.NetTransportConfig{BindAddrs: []string{mc.BindAddr}, BindPort: mc.BindPort, Logger: mc.Logger})
		// memberlist wraps no error.
		if mc.BindPort != 0 || err == nil || !strings.Contains(err.Error(), syscall.EADDRINUSE.Error()) {
			break
		}
	}
	if err != nil {
		return nil, err
	}
	if mc.BindPort == 0 {
		mc.BindPort = inner.GetAutoBindPort()
		mc.AdvertisePort = mc.BindPort
	}
	t := &transport{
		NetTransport: inner, keys: keys, logger: logger,
		packets: make(chan *memberlist.Packet), streams: make(chan net.Conn), slots: make(chan struct{}, maxStreams),
	}
	t.ctx, t.stop = context.WithCancel(context.Background())
	t.work.Go(t.hearPackets)
	t.work.Go(t.hearStreams)
	mc.Transport = t
	return t, nil
}

// PacketCh and StreamCh deliver what was checked.
func (t *transport) PacketCh() <-chan *memberlist.Packet { return t.packets }
func (t *transport) StreamCh() <-chan net.Conn           { return t.streams }

// Shutdown closes the listeners and joins the goroutines. It may be called again.
func (t *transport) Shutdown() error {
	err := t.NetTransport.Shutdown() // while what it heard last is still taken from it
	t.stop()
	t.work.Wait()
	return err
}

// hearPackets hands packets on.
func (t *transport) hearPackets() {
	for {
		select {
		case <-t.ctx.Done():
			return
		case p := <-t.NetTransport.PacketCh():
			if err := checkPacket(p.Buf, t.keys.all()); err != nil {
				t.logger.Debug("packet is passed over", "from", p.From, "err", err)
				continue
			}
			select {
			case t.packets <- p:
			case <-t.ctx.Done():
			}
		}
	}
}

// hearStreams takes streams as long as there are slots.
func (t *transport) hearStreams() {
	for {
		select {
		case <-t.ctx.Done():
			return
		case conn := <-t.NetTransport.StreamCh():
			select {
			case t.slots <- struct{}{}:
				t.work.Go(func() { t.take(conn) })
			default:
				t.logger.Debug("stream is closed: too many at once", "from", conn.RemoteAddr())
				conn.Close()
			}
		}
	}
}

// take hands a stream on once its beginning was checked.
func (t *transport) take(conn net.Conn) {
	s := &stream{Conn: conn, free: sync.OnceFunc(func() { <-t.slots })}
	unbind := context.AfterFunc(t.ctx, func() { conn.Close() })
	defer unbind()
	err := s.begin(t.keys.all())
	if err == nil {
		select {
		case t.streams <- s:
			return
		case <-t.ctx.Done():
		}
	}
	t.logger.Debug("stream is closed", "from", conn.RemoteAddr(), "err", err)
	s.Close()
}

// stream is a connection whose beginning was read and is read again.
type stream struct {
	net.Conn
	in   io.Reader
	free func()
}

// Read implements net.Conn.
func (s *stream) Read(p []byte) (int, error) { return s.in.Read(p) }

// Close implements net.Conn.
func (s *stream) Close() error {
	s.free()
	return s.Conn.Close()
}

// begin checks the beginning of the stream.
func (s *stream) begin(keys [][]byte) error {
	if err := s.SetDeadline(time.Now().Add(connectWithin)); err != nil {
		return err
	}
	var seen bytes.Buffer
	bounded := io.LimitReader(s.Conn, maxStream)
	s.in = io.TeeReader(bounded, &seen)
	in, label, err := memberlist.RemoveLabelHeaderFromStream(s)
	if err != nil {
		return err
	}
	err = checkStream(in, label, keys)
	s.in = io.MultiReader(&seen, bounded)
	return err
}
