package namespaces

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// wire carries the frames between the interface of a process and the bridge while a
// Wire is in force. Two sockets see every frame:
//
//	namespace ─ port   [wire]   near ─ far ─ bridge
type wire struct {
	port, near *os.File
	running    sync.WaitGroup
}

// Disturb lets the packets of a process travel as w says until Calm.
func (n *Network) Disturb(ctx context.Context, name string, w Wire) error {
	near, far := n.pair(name)
	for _, args := range [][]string{
		{"link", "add", near, "type", "veth", "peer", "name", far},
		{"link", "set", near, "arp", "off", "up"}, // this machine answers for the bridge by the bridge only
		{"link", "set", far, "master", n.bridge, "up"},
		{"link", "set", n.port(name), "arp", "off", "nomaster"},
	} {
		if err := ip(ctx, args...); err != nil {
			return errors.Join(err, n.Calm(ctx, name))
		}
	}
	carrier, err := carry(n.port(name), near, w)
	if err != nil {
		return errors.Join(err, n.Calm(ctx, name))
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.wires[name] = carrier
	return nil
}

// Calm ends Disturb. Packets that are under way vanish.
func (n *Network) Calm(ctx context.Context, name string) error {
	n.mu.Lock()
	carrier := n.wires[name]
	delete(n.wires, name)
	n.mu.Unlock()
	near, _ := n.pair(name)
	err := errors.Join(
		ip(ctx, "link", "set", n.port(name), "arp", "on", "master", n.bridge),
		ip(ctx, "link", "del", near),
	)
	if carrier != nil {
		carrier.close()
	}
	return err
}

// pair are the interfaces by which a wire reaches the bridge.
func (n *Network) pair(name string) (near, far string) {
	suffix := n.bridge[2:] + "-" + strconv.Itoa(n.index(name))
	return "hw" + suffix, "hx" + suffix
}

func carry(port, near string, w Wire) (*wire, error) {
	c := &wire{}
	var err error
	if c.port, err = openInterface(port); err != nil {
		return nil, err
	}
	if c.near, err = openInterface(near); err != nil {
		c.port.Close()
		return nil, err
	}
	c.running.Go(func() { c.copy(c.near, c.port, w) })
	c.running.Go(func() { c.copy(c.port, c.near, w) })
	return c, nil
}

func (c *wire) close() {
	c.port.Close()
	c.near.Close()
	c.running.Wait()
}

// copy carries one direction until the wire is closed.
func (c *wire) copy(to, from *os.File, w Wire) {
	var idle time.Time // when the bandwidth is free
	buffer := make([]byte, maxFrame)
	inOrder := make(chan frame, underWay)
	defer close(inOrder)
	c.running.Go(func() { deliver(to, inOrder) })
	for {
		size, err := from.Read(buffer)
		if errors.Is(err, os.ErrClosed) {
			return
		}
		if err != nil || size <= offloadBytes || rand.Float64() < w.Loss {
			continue
		}
		now := time.Now()
		at := now
		if w.Rate > 0 {
			if at = later(now, idle); at.Sub(now) > backlog {
				continue
			}
			idle = at.Add(time.Duration(size) * time.Second / time.Duration(w.Rate))
		}
		one := frame{at.Add(w.Delay), append([]byte(nil), buffer[:size]...)}
		if rand.Float64() < w.Damage {
			damage(one.bytes)
		}
		copies := 1
		if rand.Float64() < w.Twice {
			copies = 2
		}
		for range copies {
			if w.Jitter == 0 {
				inOrder <- one
				continue
			}
			jitter := time.Duration(rand.Float64() * float64(w.Jitter))
			time.AfterFunc(time.Until(one.due)+jitter, func() { one.write(to) })
		}
	}
}

// frame is one that is due at a time.
type frame struct {
	due   time.Time
	bytes []byte
}

// underWay is how many frames of a direction are on the wire at most.
const underWay = 1 << 12

// deliver writes frames when they are due. It keeps their order, as a cable does: TCP takes
// a frame that comes before an earlier one for a sign of loss.
func deliver(to *os.File, frames <-chan frame) {
	for f := range frames {
		time.Sleep(time.Until(f.due))
		f.write(to)
	}
}

// write writes a frame. An interface that has no room, or is gone, takes none.
func (f frame) write(to *os.File) { _, _ = to.Write(f.bytes) }

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// backlog is the wait for bandwidth beyond which a packet vanishes.
const backlog = 400 * time.Millisecond

// offloadBytes is the length of the header that tells what of a frame the kernel left
// to the network card: its checksum, and its cut into packets (virtio 1.2, 5.1.6).
const offloadBytes = 10

// maxFrame is what an interface hands over at once at most.
const maxFrame = offloadBytes + 14 + 1<<16

// openInterface opens a socket that reads the frames that arrive on an interface and
// writes frames that leave by it, each behind its header of offloadBytes.
func openInterface(name string) (*os.File, error) {
	device, err := net.InterfaceByName(name)
	if err != nil {
		return nil, err
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("socket on %s: %w", name, err)
	}
	const everything = unix.ETH_P_ALL<<8&0xff00 | unix.ETH_P_ALL>>8 // in network order
	const room = 8 << 20
	err = errors.Join(
		unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_VNET_HDR, 1),
		unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1),
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, room),
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, room),
		unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: everything, Ifindex: device.Index}),
	)
	if err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("socket on %s: %w", name, err)
	}
	return os.NewFile(uintptr(fd), name), nil
}
