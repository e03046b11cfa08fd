package rpc

import (
	"bytes"
	"reflect"
	"slices"
	"testing"
	"unsafe"

	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/hachi-serve/hachi/internal/moepb"
	"github.com/hachi-serve/hachi/internal/transport/rowbuf"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

func newOutbound() *outbound { return &outbound{memory: &rowbuf.Pool{Poison: true}} }

// raw is what a message puts on the wire.
func raw(m *outgoing) []byte {
	buffers := m.buffers()
	defer buffers.Free()
	return buffers.Materialize()
}

// received reads a message that arrives in pieces of the given size.
func received(raw []byte, piece int) *incoming {
	var data mem.BufferSlice
	for part := range slices.Chunk(raw, piece) {
		data = append(data, mem.SliceBuffer(bytes.Clone(part)))
	}
	in := &incoming{memory: &rowbuf.Pool{}}
	in.take(data)
	return in
}

// TestCallsAreReadIntoLentMemory: where the device of the experts copies by itself, a
// message lies in memory that the device lent, also one that gRPC received in one piece.
func TestCallsAreReadIntoLentMemory(t *testing.T) {
	wire := raw(newOutbound().callMessage(1, call(512)))
	for _, piece := range []int{len(wire), 700} {
		var lent []byte
		released := 0
		in := &incoming{always: true, memory: lends(func(n int) ([]byte, func()) {
			lent = make([]byte, n)
			return lent, func() { released++ }
		})}
		var data mem.BufferSlice
		for part := range slices.Chunk(wire, piece) {
			data = append(data, mem.SliceBuffer(bytes.Clone(part)))
		}
		in.take(data)
		if in.err != nil || len(in.payload) == 0 {
			t.Fatalf("pieces of %d bytes: %v, %d bytes", piece, in.err, len(in.payload))
		}
		if at := address(in.payload) - address(lent); at >= uintptr(len(lent)) {
			t.Errorf("pieces of %d bytes: the payload lies outside of lent memory", piece)
		}
		if in.hold.free(); released != 1 {
			t.Errorf("pieces of %d bytes: released %d times", piece, released)
		}
	}
}

// callToProto is a call as generated code has it.
func callToProto(sequence uint64, c *moe.Call) *hachiv1.Call {
	out := &hachiv1.Call{Sequence: sequence, Epoch: uint64(c.Epoch), Layer: uint32(c.Layer), Rows: uint32(c.Rows)}
	for _, g := range c.Groups {
		group := &hachiv1.CallGroup{Expert: uint32(g.Expert)}
		for _, row := range g.Index {
			group.Index = append(group.Index, uint32(row))
		}
		out.Groups = append(out.Groups, group)
	}
	if !c.Trace.IsZero() {
		out.Trace = slices.Concat(c.Trace.TraceID[:], c.Trace.SpanID[:])
	}
	return out
}

func drawCall(t *rapid.T) *moe.Call {
	c := &moe.Call{
		Epoch: moe.Epoch(rapid.Uint64().Draw(t, "epoch")), Layer: rapid.IntRange(0, 100).Draw(t, "layer"), Rows: rapid.IntRange(1, 400).Draw(t, "rows"),
	}
	if rapid.Bool().Draw(t, "traced") {
		copy(c.Trace.TraceID[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "trace"))
		copy(c.Trace.SpanID[:], rapid.SliceOfN(rapid.Byte(), 8, 8).Draw(t, "span"))
	}
	c.X = rapid.SliceOfN(rapid.Byte(), c.Rows*rowBytes, c.Rows*rowBytes).Draw(t, "x")
	subset := func(n int, name string) []int {
		return slices.Sorted(slices.Values(rapid.Permutation(numbers(n)).Draw(t, name)[:rapid.IntRange(1, n).Draw(t, name+"s")]))
	}
	for _, e := range subset(5, "expert") {
		g := moe.Group{Expert: e * 60}
		for _, row := range subset(c.Rows, "row") {
			g.Index = append(g.Index, int32(row))
		}
		c.Groups = append(c.Groups, g)
	}
	return c
}

func address(b []byte) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(b))) }

func numbers(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

// checkWire requires that wire is want with a checksum, as any protobuf reader
// sees it, and that its body is byte for byte what generated code writes. It
// returns what generated code writes for all of it.
func checkWire(t require, wire []byte, body, want proto.Message) []byte {
	got := want.ProtoReflect().New().Interface()
	if err := proto.Unmarshal(wire, got); err != nil {
		t.Fatal(err)
	}
	crc := want.ProtoReflect().Descriptor().Fields().ByName("crc32c")
	want.ProtoReflect().Set(crc, got.ProtoReflect().Get(crc))
	if !proto.Equal(got, want) {
		t.Fatalf("wrote %v, want %v", got, want)
	}
	first, err := proto.Marshal(body)
	if err != nil || !bytes.HasPrefix(wire, first) {
		t.Fatalf("wrote %x, want a body %x (%v)", wire, first, err)
	}
	generated, err := proto.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	return generated
}

type require interface {
	Fatal(...any)
	Fatalf(string, ...any)
}

// TestCallsAreProtobuf: generated code reads what is written by hand, and the
// other way round.
func TestCallsAreProtobuf(t *testing.T) {
	o := newOutbound()
	rapid.Check(t, func(t *rapid.T) {
		c, sequence := drawCall(t), rapid.Uint64().Draw(t, "sequence")
		body := &hachiv1.ExchangeRequest_Call{Call: callToProto(sequence, c)}
		generated := checkWire(t, raw(o.callMessage(sequence, c)),
			&hachiv1.ExchangeRequest{Body: body}, &hachiv1.ExchangeRequest{Body: body, Payload: c.X})
		in := received(generated, rapid.IntRange(1, 2000).Draw(t, "piece"))
		var r callReader
		if in.err == nil && in.field == bodyCall {
			in.err = r.read(in.body, in.payload, rowBytes)
		}
		if in.err != nil {
			t.Fatal(in.err)
		}
		if r.sequence != sequence || !reflect.DeepEqual(&r.call, c) {
			t.Fatalf("read %+v, want %+v", r.call, c)
		}
	})
}

func TestRepliesAreProtobuf(t *testing.T) {
	o := newOutbound()
	newer, err := moe.NewPlacement(9, "f", moe.Uniform(1, 1), [][]moe.Replica{{{Node: "m", Addr: "a"}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{0, 1, 1024, 1025, 20_000} {
		for _, placement := range []*moe.Placement{nil, newer} {
			released := 0
			reply := &moe.Reply{Y: bytes.Repeat([]byte{7}, size), Newer: placement, Queue: 5, Compute: 1 << 40, Release: func() { released++ }}
			wire := raw(o.replyMessage(3, reply))
			if released != 1 {
				t.Errorf("%d bytes: released %d times", size, released)
			}
			body := &hachiv1.ExchangeResponse_Reply{Reply: &hachiv1.CallReply{
				Sequence: 3, QueueNs: 5, ComputeNs: 1 << 40, Newer: moepb.PlacementToProto(placement),
			}}
			generated := checkWire(t, wire, &hachiv1.ExchangeResponse{Body: body},
				&hachiv1.ExchangeResponse{Body: body, Payload: bytes.Repeat([]byte{7}, size)})
			in := received(generated, 16<<10)
			var got moe.Reply
			sequence, err := readReply(in.body, in.payload, &got)
			if in.err != nil || err != nil {
				t.Fatal(in.err, err)
			}
			reply.Release = nil
			if len(got.Y) == 0 {
				got.Y = []byte{}
			}
			if sequence != 3 || !reflect.DeepEqual(&got, reply) {
				t.Errorf("read %+v, want %+v", got, reply)
			}
		}
	}
}

func TestControlMessagesAreProtobuf(t *testing.T) {
	o := newOutbound()
	cancel := &hachiv1.ExchangeRequest{Body: &hachiv1.ExchangeRequest_Cancel{Cancel: &hachiv1.Cancel{Sequence: 300}}}
	in := received(raw(o.plain(cancel)), 3)
	if sequence, err := readCancel(in.body); in.err != nil || in.field != bodyCancel || err != nil || sequence != 300 {
		t.Errorf("read cancel of %d, %v, %v", sequence, in.err, err)
	}
	var got hachiv1.ExchangeRequest
	if err := in.generated(&got); err != nil || !proto.Equal(&got, cancel) {
		t.Errorf("read %v, %v", &got, err)
	}
}

// TestPayloadStaysWhereItIs: neither side copies a payload that lies in one
// piece, and what has to be copied is aligned.
func TestPayloadStaysWhereItIs(t *testing.T) {
	o := newOutbound()
	c := call(512) // 4 KiB
	buffers := o.callMessage(1, c).buffers()
	if len(buffers) != 2 || &buffers[1].ReadOnlyData()[0] != &c.X[0] {
		t.Error("the payload is not sent from where it lies")
	}
	wire := buffers.Materialize()
	one := mem.SliceBuffer(wire)
	in := &incoming{memory: &rowbuf.Pool{}}
	in.take(mem.BufferSlice{one})
	if in.err != nil || &in.payload[0] != &wire[len(wire)-len(c.X)] {
		t.Errorf("a payload in one piece was copied (%v)", in.err)
	}
	in = received(wire, 1000)
	if in.err != nil || !bytes.Equal(in.payload, c.X) {
		t.Fatalf("read %d bytes, %v", len(in.payload), in.err)
	}
	if at := address(in.payload); at%rowbuf.Align != 0 {
		t.Errorf("the copied payload lies at %x", at)
	}
}

// TestMemoryIsFreedOnlyByGRPC: the rows of a message are released after the
// last reference to its buffers, not before.
func TestMemoryIsFreedOnlyByGRPC(t *testing.T) {
	o := newOutbound()
	released := 0
	c := call(512)
	c.Release = func() { released++ }
	buffers := o.callMessage(1, c).buffers()
	buffers.Ref() // as the transport does
	buffers.Free()
	if released != 0 {
		t.Fatal("released while the transport holds a reference")
	}
	if !bytes.Equal(buffers[1].ReadOnlyData(), c.X) {
		t.Fatal("the payload changed")
	}
	buffers.Free()
	if released != 1 {
		t.Fatalf("released %d times", released)
	}
	o.callMessage(2, c).drop()
	if released != 2 {
		t.Fatal("a dropped message keeps its rows")
	}
}

func TestEveryDamagedByteIsNoticed(t *testing.T) {
	wire := raw(newOutbound().callMessage(1, call(2)))
	for i := range wire {
		for bit := range 8 {
			spoiled := bytes.Clone(wire)
			spoiled[i] ^= 1 << bit
			if received(spoiled, 1<<10).err == nil {
				t.Errorf("byte %d bit %d: not noticed", i, bit)
			}
		}
		if received(wire[:i], 1<<10).err == nil {
			t.Errorf("cut at %d: not noticed", i)
		}
	}
}

// FuzzFrameDecode feeds both ends of a stream with any bytes. What is read
// without an error must be what generated code reads.
func FuzzFrameDecode(f *testing.F) {
	o := newOutbound()
	for _, rows := range []int{1, 3, 200} {
		c := call(rows)
		wire := raw(o.callMessage(1, c))
		f.Add(wire)
		f.Add(wire[:len(wire)-3])
		f.Add(append([]byte{0xff, 0xff, 0xff}, wire...))
		f.Add(raw(o.replyMessage(1, &moe.Reply{Y: expected(c), Queue: 1})))
	}
	f.Add(raw(o.plain(&hachiv1.ExchangeRequest{Body: &hachiv1.ExchangeRequest_Hello{Hello: &hachiv1.Hello{Fingerprint: "f"}}})))
	f.Fuzz(func(t *testing.T, wire []byte) {
		in := received(wire, 100)
		if in.err != nil {
			return
		}
		var request hachiv1.ExchangeRequest
		if proto.Unmarshal(wire, &request) == nil && !bytes.Equal(request.GetPayload(), in.payload) {
			t.Errorf("payload %x, generated code reads %x", in.payload, request.GetPayload())
		}
		var r callReader
		if in.field == bodyCall && r.read(in.body, in.payload, rowBytes) == nil {
			expected(&r.call) // every index is in range
		}
		var reply moe.Reply
		_, _ = readReply(in.body, in.payload, &reply)
		_, _ = readCancel(in.body)
		_ = in.generated(&hachiv1.ExchangeResponse{})
	})
}

// FuzzCallFromProto compares the hand-written reader of calls with generated
// code.
func FuzzCallFromProto(f *testing.F) {
	for _, rows := range []int{1, 3} {
		c := call(rows)
		body, err := proto.Marshal(callToProto(7, c))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body, c.X)
	}
	f.Add([]byte{0x20, 1, 0x2a, 4, 0x10, 0, 0x10, 1}, make([]byte, rowBytes)) // an index that is not packed
	f.Fuzz(func(t *testing.T, body, payload []byte) {
		var r callReader
		err := r.read(body, payload, rowBytes)
		var want hachiv1.Call
		if proto.Unmarshal(body, &want) != nil {
			if err == nil {
				t.Error("read what generated code cannot")
			}
			return
		}
		if err != nil {
			return
		}
		if got := callToProto(r.sequence, &r.call); !equalCalls(got, &want) {
			t.Errorf("read %v, generated code reads %v", got, &want)
		}
		var again callReader
		if err := again.read(body, payload, rowBytes); err != nil || !reflect.DeepEqual(r.call, again.call) {
			t.Errorf("read differently a second time: %v", err)
		}
	})
}

// equalCalls compares what both know; unknown fields are not kept.
func equalCalls(a, b *hachiv1.Call) bool {
	b.ProtoReflect().SetUnknown(nil)
	for _, g := range b.GetGroups() {
		g.ProtoReflect().SetUnknown(nil)
	}
	return proto.Equal(a, b)
}
