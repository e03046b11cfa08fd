package gossip

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"testing"
	"time"

	"github.com/hashicorp/memberlist"
)

// wire is a transport of memberlist whose other end is a test. What is sent is lost.
type wire struct {
	packets chan *memberlist.Packet
	streams chan net.Conn
}

func (w wire) FinalAdvertiseAddr(string, int) (net.IP, int, error) {
	return net.IPv4(127, 0, 0, 1), 1, nil
}
func (w wire) WriteTo([]byte, string) (time.Time, error) { return time.Now(), nil }
func (w wire) PacketCh() <-chan *memberlist.Packet       { return w.packets }
func (w wire) DialTimeout(string, time.Duration) (net.Conn, error) {
	return nil, errors.New("no member is there")
}
func (w wire) StreamCh() <-chan net.Conn { return w.streams }
func (w wire) Shutdown() error           { return nil }

// onWire is a member that hears only what a test sends.
func onWire(t testing.TB) (*memberlist.Memberlist, wire) {
	t.Helper()
	c, err := memberlistConfig(Config{Name: "self", Role: "router", Bind: "127.0.0.1:0", Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	w := wire{packets: make(chan *memberlist.Packet), streams: make(chan net.Conn)}
	c.Transport, c.Delegate = w, meta("router")
	list, err := memberlist.Create(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := list.Shutdown(); err != nil {
			t.Error(err)
		}
	})
	return list, w
}

// alive is the message of memberlist that a member is there: a map of MessagePack.
const alive = "\x04\x86\xabIncarnation\x01\xa4Node\xa3a@1\xa4Addr\xc4\x04\x7f\x00\x00\x01\xa4Port\x02\xa4Meta\xc4\x06router\xa3Vsn\xc4\x06\x01\x05\x02\x02\x05\x04"

// FuzzPackets: whatever comes in a packet or a stream, the process goes on and is a
// member.
func FuzzPackets(f *testing.F) {
	for _, raw := range []string{
		"", alive, "\x05\x83\xabIncarnation\x02\xa4Node\xa3a@1\xa4From\xa1b", "\x03\x83\xabIncarnation\x01\xa4Node\xa3a@1\xa4From\xa1b",
		"\x07\x01\x00" + string(rune(len(alive))) + alive, "\x00\x82\xa5SeqNo\x01\xa4Node\xa4self", "\x02\x82\xa5SeqNo\x01\xa7Payload\xc4\x00",
		"\x09\x82\xa4Algo\x00\xa3Buf\xc4\x01\x00", "\x0c\x00\x00\x00\x00\x04", "\xf4\x01c\x00", "\x08text",
		"\x06\x83\xa5Nodes\x01\xacUserStateLen\x00\xa4Join\xc3\x80", "\x06\x83\xa5Nodes\xd3\x7f\xff\xff\xff\xff\xff\xff\xff\xacUserStateLen\xd3\x80\x00\x00\x00\x00\x00\x00\x00\xa4Join\xc2",
	} {
		f.Add([]byte(raw), false)
		f.Add([]byte(raw), true)
	}
	list, w := onWire(f)
	self := list.LocalNode().Name
	from := &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 2}
	f.Fuzz(func(t *testing.T, raw []byte, stream bool) {
		if stream {
			here, there := net.Pipe()
			w.streams <- there
			go func() { _, _ = io.Copy(io.Discard, here) }() // ends with the connection
			_, _ = here.Write(raw)                           // a member that is refused hangs up
			here.Close()
		} else {
			w.packets <- &memberlist.Packet{Buf: raw, From: from, Timestamp: time.Now()}
			w.packets <- &memberlist.Packet{Buf: []byte("\x08"), From: from, Timestamp: time.Now()} // taken once the first was read
		}
		if list.LocalNode().Name != self || list.NumMembers() < 1 {
			t.Errorf("%q: the member is %v of %d", raw, list.LocalNode(), list.NumMembers())
		}
	})
}
