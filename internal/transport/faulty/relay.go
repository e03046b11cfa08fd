package faulty

import (
	"io"
	"net"
	"sync"
	"time"
)

// Direction is a way through a Relay.
type Direction int

const (
	ToServer Direction = iota
	ToClient
)

// Wire is what happens to the bytes of one direction. The zero value is
// nothing.
type Wire struct {
	// Silent keeps bytes back without a reset, as a firewall does that drops
	// packets; they go on when it ends.
	Silent bool
	// Delay is added to every chunk, one after another.
	Delay time.Duration
	// Damage flips a bit of the next chunk of at least that many bytes, in its
	// middle, once; 0 damages nothing.
	Damage int
}

// Relay is a TCP connection between a client and a server with faults in it. It
// tells no more of a fault than the bytes do.
type Relay struct {
	listener net.Listener
	server   string
	running  sync.WaitGroup

	mu      sync.Mutex // guards the fields below
	wires   [2]Wire
	changed chan struct{} // closed when wires change
	conns   map[net.Conn]bool
	closed  bool
}

// NewRelay listens on an address of its own and connects to server.
func NewRelay(server string) (*Relay, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &Relay{listener: l, server: server, changed: make(chan struct{}), conns: map[net.Conn]bool{}}
	r.running.Go(r.accept)
	return r, nil
}

// Addr is where clients connect.
func (r *Relay) Addr() string { return r.listener.Addr().String() }

// Set changes what happens in a direction, from the next chunk on.
func (r *Relay) Set(d Direction, w Wire) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.wires[d] = w
	close(r.changed)
	r.changed = make(chan struct{})
}

// Cut ends every connection; new ones are taken.
func (r *Relay) Cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for c := range r.conns {
		c.Close()
	}
}

// Close ends the relay and joins its goroutines.
func (r *Relay) Close() {
	r.mu.Lock()
	r.closed = true
	close(r.changed)
	r.changed = make(chan struct{})
	r.mu.Unlock()
	r.listener.Close()
	r.Cut()
	r.running.Wait()
}

func (r *Relay) accept() {
	for {
		client, err := r.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", r.server)
		if err != nil {
			client.Close()
			continue
		}
		if !r.keep(client, server) {
			return
		}
		r.running.Go(func() { r.copy(server, client, ToServer) })
		r.running.Go(func() { r.copy(client, server, ToClient) })
	}
}

// keep remembers a pair; false when the relay is closed.
func (r *Relay) keep(client, server net.Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		client.Close()
		server.Close()
		return false
	}
	r.conns[client], r.conns[server] = true, true
	return true
}

// copy carries one direction until either end is closed.
func (r *Relay) copy(to io.WriteCloser, from net.Conn, d Direction) {
	defer func() {
		from.Close()
		to.Close()
		r.mu.Lock()
		delete(r.conns, from)
		r.mu.Unlock()
	}()
	chunk := make([]byte, 64<<10)
	for {
		n, err := from.Read(chunk)
		if err != nil || !r.pass(chunk[:n], d) {
			return
		}
		if _, err := to.Write(chunk[:n]); err != nil {
			return
		}
	}
}

// pass applies the faults to a chunk; false when the relay is closed.
func (r *Relay) pass(chunk []byte, d Direction) bool {
	r.mu.Lock()
	for r.wires[d].Silent && !r.closed {
		changed := r.changed
		r.mu.Unlock()
		<-changed
		r.mu.Lock()
	}
	w, closed := r.wires[d], r.closed
	if w.Damage > 0 && len(chunk) >= w.Damage {
		chunk[len(chunk)/2] ^= 1
		r.wires[d].Damage = 0
	}
	r.mu.Unlock()
	if w.Delay > 0 && !closed {
		time.Sleep(w.Delay)
	}
	return !closed
}
