package gossip

import (
	"bytes"
	"compress/lzw"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-msgpack/v2/codec"
	"github.com/hashicorp/memberlist"
)

// rogue has a key of the gossip, and sends what no member does.
type rogue struct {
	*testing.T
	key []byte
}

func newRogue(t *testing.T) rogue { return rogue{t, bytes.Repeat([]byte{7}, 32)} }

func (r rogue) keys() *Keys {
	keys, err := ParseKeys([]byte(base64.StdEncoding.EncodeToString(r.key)))
	if err != nil {
		r.Fatal(err)
	}
	return keys
}

// seal encrypts a message, in any version.
func (r rogue) seal(version byte, message, data []byte) []byte {
	block, err := aes.NewCipher(r.key)
	if err != nil {
		r.Fatal(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		r.Fatal(err)
	}
	nonce := make([]byte, nonceBytes)
	return gcm.Seal(append([]byte{version}, nonce...), nonce, message, data)
}

const label = "l"

func (r rogue) labeled(message []byte) []byte {
	out, err := memberlist.AddLabelHeaderToPacket(message, label)
	if err != nil {
		r.Fatal(err)
	}
	return out
}

func (r rogue) packet(version byte, message []byte) []byte {
	return r.labeled(r.seal(version, message, []byte(label)))
}

// stream is the beginning of a stream with an encrypted message.
func (r rogue) stream(version byte, message []byte) []byte {
	head := binary.BigEndian.AppendUint32([]byte{encryptType}, uint32(len(message)+1+nonceBytes+tagBytes))
	return r.labeled(append(head, r.seal(version, message, append(bytes.Clone(head), label...))...))
}

// message encodes a message of a type.
func (r rogue) message(kind byte, content any) []byte {
	out := bytes.NewBuffer([]byte{kind})
	if err := codec.NewEncoder(out, new(codec.MsgpackHandle)).Encode(content); err != nil {
		r.Fatal(err)
	}
	return out.Bytes()
}

// compressed is a message of memberlist's type of compressed messages.
func (r rogue) compressed(message []byte) []byte {
	var out bytes.Buffer
	w := lzw.NewWriter(&out, lzw.LSB, 8)
	if _, err := w.Write(message); err != nil {
		r.Fatal(err)
	}
	if err := w.Close(); err != nil {
		r.Fatal(err)
	}
	return r.message(9, map[string]any{"Algo": 0, "Buf": out.Bytes()})
}

// answer is what comes on a stream that begins like this.
func (r rogue) answer(addr string, raw []byte) []byte {
	r.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		r.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write(raw); err != nil {
		r.Fatal(err)
	}
	out, _ := io.ReadAll(conn) // a reset is no answer either
	return out
}

func compound(parts ...[]byte) []byte {
	out := []byte{compoundType, byte(len(parts))}
	for _, p := range parts {
		out = binary.BigEndian.AppendUint16(out, uint16(len(p)))
	}
	return append(out, bytes.Join(parts, nil)...)
}

// TestNothingThatAKeySealsEndsAProcess: memberlist panics at a padding that is longer than
// the message, and at a stream whose message is empty.
func TestNothingThatAKeySealsEndsAProcess(t *testing.T) {
	r := newRogue(t)
	a := startSecure(t, "a", label, r.keys())
	conn, err := net.Dial("udp", a.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	padding := append([]byte{pingType}, bytes.Repeat([]byte{200}, 15)...)
	for _, message := range [][]byte{nil, {0}, padding} {
		for version := range byte(3) {
			if _, err := conn.Write(r.packet(version, message)); err != nil {
				t.Fatal(err)
			}
			if got := r.answer(a.Addr(), r.stream(version, message)); len(got) > 0 && !bytes.Equal(message, []byte{0}) {
				t.Errorf("version %d, %d bytes: answered by %q", version, len(message), got)
			}
		}
	}
	b := startSecure(t, "b", label, r.keys(), a.Addr())
	a.hears(t, Change{"b", "expertnode", Alive})
	b.hears(t, Change{"a", "expertnode", Alive})
}

// TestStreamsThatNoMemberBeginsAreClosed before what they announce is read.
func TestStreamsThatNoMemberBeginsAreClosed(t *testing.T) {
	r := newRogue(t)
	a := startSecure(t, "a", label, r.keys())
	ping := r.message(pingType, map[string]any{"SeqNo": 1, "Node": ""})
	state := func(nodes, user int) []byte {
		return r.message(pushPullType, map[string]any{"Nodes": nodes, "UserStateLen": user, "Join": false})
	}
	for name, tt := range map[string]struct {
		raw      []byte
		answered bool
	}{
		"a ping":                         {r.stream(sealVersion, ping), true},
		"the state of no member":         {r.stream(sealVersion, state(0, 0)), true},
		"without a key":                  {r.labeled(ping), false},
		"of more bytes than a cluster's": {r.labeled(binary.BigEndian.AppendUint32([]byte{encryptType}, maxStream+1)), false},
		"a message of a user":            {r.stream(sealVersion, r.message(8, map[string]any{"UserMsgLen": 20 << 20})), false},
		"more members than there can be": {r.stream(sealVersion, state(1<<20, 0)), false},
		"data of a user":                 {r.stream(sealVersion, state(0, 20<<20)), false},
		"compressed":                     {r.stream(sealVersion, r.compressed(ping)), false},
	} {
		if got := r.answer(a.Addr(), tt.raw); (len(got) > 0) != tt.answered {
			t.Errorf("%s: answered by %d bytes, expected an answer: %v", name, len(got), tt.answered)
		}
	}
}

// TestPacketsThatNoMemberSendsArePassedOver.
func TestPacketsThatNoMemberSendsArePassedOver(t *testing.T) {
	r := newRogue(t)
	ping := r.message(pingType, map[string]any{"SeqNo": 1})
	bomb := r.compressed(make([]byte, 39<<20))
	if len(bomb) > 1<<16 {
		t.Fatalf("%d bytes are no packet", len(bomb))
	}
	checksum := append([]byte{checksumType, 0, 0, 0, 0}, ping...)
	for name, tt := range map[string]struct {
		message []byte
		heard   bool
	}{
		"a ping":                {ping, true},
		"with a checksum":       {checksum, true},
		"several":               {compound(ping, ping), true},
		"nothing":               {nil, false},
		"39 MiB, compressed":    {bomb, false},
		"among others":          {compound(ping, bomb), false},
		"several within others": {compound(compound(ping)), false},
		"of a user":             {[]byte("\x08text"), false},
		"cut":                   {compound(ping, ping)[:len(ping)], false},
	} {
		if err := checkPacket(r.labeled(tt.message), nil); (err == nil) != tt.heard {
			t.Errorf("%s, in plaintext: %v", name, err)
		}
		if err := checkPacket(r.packet(sealVersion, tt.message), r.keys().all()); (err == nil) != tt.heard {
			t.Errorf("%s, encrypted: %v", name, err)
		}
		if err := checkPacket(r.labeled(tt.message), r.keys().all()); err == nil {
			t.Errorf("%s is heard in plaintext beside keys", name)
		}
	}
}

// TestStreamsAtOnceAreBounded: one more is closed, and taken once another has ended.
func TestStreamsAtOnceAreBounded(t *testing.T) {
	c := Config{Name: "self", Bind: "127.0.0.1:0", Logger: slog.New(slog.DiscardHandler)}
	mc, err := memberlistConfig(c)
	if err != nil {
		t.Fatal(err)
	}
	wire, err := listen(mc, nil, c.Logger)
	if err != nil {
		t.Fatal(err)
	}
	defer wire.Shutdown()
	addr := fmt.Sprintf("127.0.0.1:%d", mc.BindPort)
	for range maxStreams {
		wire.slots <- struct{}{}
	}
	if got := newRogue(t).answer(addr, []byte{pingType}); len(got) > 0 {
		t.Errorf("a stream too many is answered by %q", got)
	}
	<-wire.slots
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte{pingType}); err != nil {
		t.Fatal(err)
	}
	taken := <-wire.StreamCh()
	if len(wire.slots) != maxStreams {
		t.Errorf("%d slots are taken, expected %d", len(wire.slots), maxStreams)
	}
	taken.Close()
	taken.Close()
	if len(wire.slots) != maxStreams-1 {
		t.Errorf("%d slots are taken after the end, expected %d", len(wire.slots), maxStreams-1)
	}
}

// TestMembersThatAreNoProcessesAreRefused, and so is a flood of them.
func TestMembersThatAreNoProcessesAreRefused(t *testing.T) {
	good := memberlist.Node{Name: "a@1", Meta: []byte("router"), PMin: 1, PCur: 2, PMax: 5}
	for name, tt := range map[string]struct {
		change func(*memberlist.Node)
		member bool
	}{
		"a process":        {func(*memberlist.Node) {}, true},
		"without a run":    {func(n *memberlist.Node) { n.Name = "a" }, false},
		"a strange name":   {func(n *memberlist.Node) { n.Name = "a\n@1" }, false},
		"a long name":      {func(n *memberlist.Node) { n.Name = strings.Repeat("a", 1000) + "@1" }, false},
		"a long role":      {func(n *memberlist.Node) { n.Meta = make([]byte, maxRole+1) }, false},
		"another version":  {func(n *memberlist.Node) { n.PCur = 3 }, false},
		"versions of none": {func(n *memberlist.Node) { n.PMax = 1 }, false},
	} {
		n := good
		tt.change(&n)
		if err := newMembers(t.Context(), nil).NotifyAlive(&n); (err == nil) != tt.member {
			t.Errorf("%s: %v", name, err)
		}
	}
	events := make(chan memberlist.NodeEvent, 2*maxMembers)
	m := newMembers(t.Context(), events)
	accepted := 0
	for i := range 2 * maxMembers {
		n := good
		n.Name = fmt.Sprintf("a@%d", i+1)
		if err := m.NotifyAlive(&n); err == nil {
			accepted++
			m.NotifyJoin(&n)
		} else if !errors.Is(err, errManyMembers) {
			t.Fatal(err)
		}
	}
	if accepted > maxMembers {
		t.Errorf("%d members were accepted, expected at most %d", accepted, maxMembers)
	}
	if err := m.NotifyAlive(&memberlist.Node{Name: "a@1", PMin: 1, PCur: 2, PMax: 5}); err != nil {
		t.Errorf("a member that is known is refused: %v", err)
	}
}

// TestEventsDoNotBlockOnceTheirReceiverHasEnded: memberlist holds its lock meanwhile.
func TestEventsDoNotBlockOnceTheirReceiverHasEnded(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	m := newMembers(ctx, make(chan memberlist.NodeEvent))
	returned := make(chan struct{})
	go func() {
		defer close(returned)
		m.NotifyLeave(&memberlist.Node{Name: "a@1"})
	}()
	cancel()
	select {
	case <-returned:
	case <-time.After(time.Minute):
		t.Fatal("the end of a member blocks")
	}
}

// FuzzSealed: whatever is sealed with a key of the gossip is heard or passed over, and ends
// nothing.
func FuzzSealed(f *testing.F) {
	for _, raw := range []string{"", "\x00", alive, "\x07\x01\x00\x01\x08", "\x0c\x00\x00\x00\x00\x04", "\x09\x82\xa4Algo\x00\xa3Buf\xc4\x01\x00", "\x06\x83\xa5Nodes\x01\xacUserStateLen\x00\xa4Join\xc3\x80"} {
		f.Add([]byte(raw), byte(0))
		f.Add([]byte(raw), byte(sealVersion))
	}
	list, w := onWire(f)
	from := &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 2}
	f.Fuzz(func(t *testing.T, message []byte, version byte) {
		r := newRogue(t)
		keys := r.keys().all()
		if checkPacket(r.packet(version, message), keys) == nil {
			w.packets <- &memberlist.Packet{Buf: message, From: from, Timestamp: time.Now()}
		}
		raw := r.stream(version, message)
		in := bytes.NewReader(raw[2+len(label):])
		if checkStream(in, label, keys) == nil && (version != sealVersion || len(message) == 0 || message[0] != pingType && message[0] != pushPullType) {
			t.Errorf("a stream that begins with %q in version %d is heard", message, version)
		}
		if list.NumMembers() < 1 {
			t.Error("the member is none any more")
		}
	})
}
