package grpcapi

import (
	"bytes"
	"runtime"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// TestPartsOfAMessageAreCountedBeforeTheyAreMade: two bytes on the wire would be a
// message of a hundred in memory.
func TestPartsOfAMessageAreCountedBeforeTheyAreMade(t *testing.T) {
	codec := counted{encoding.GetCodecV2("proto")}
	field := func(name string) protowire.Number {
		return (&hachiv1.GenerateRequest{}).ProtoReflect().Descriptor().Fields().ByName(protoreflect.Name(name)).Number()
	}
	within := func(number protowire.Number, b []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(nil, number, protowire.BytesType), b)
	}
	for name, raw := range map[string][]byte{
		"messages":   within(field("conversation"), bytes.Repeat([]byte{1<<3 | 2, 0}, maxMessage/2-16)),
		"stop texts": bytes.Repeat(within(field("stop"), nil), maxMessage/3),
		"biases":     bytes.Repeat(within(field("logit_bias"), nil), maxMessage/3),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := codec.Unmarshal(mem.BufferSlice{mem.SliceBuffer(raw)}, &hachiv1.GenerateRequest{})
		runtime.ReadMemStats(&after)
		if err == nil || !strings.Contains(err.Error(), "more than") {
			t.Errorf("%s: %v", name, err)
		}
		if cost := after.TotalAlloc - before.TotalAlloc; cost > maxMessage {
			t.Errorf("%s: %d bytes of memory for a message of %d that is refused", name, cost, len(raw))
		}
	}
	want := conversation(&hachiv1.Conversation{Messages: []*hachiv1.Message{{Role: "user", Content: "x"}}})
	want.Stop, want.LogitBias = []string{"a"}, map[uint32]float32{1: 2}
	raw, err := proto.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got hachiv1.GenerateRequest
	if err := codec.Unmarshal(mem.BufferSlice{mem.SliceBuffer(raw[:7]), mem.SliceBuffer(raw[7:])}, &got); err != nil || !proto.Equal(&got, want) {
		t.Errorf("%v, %v", &got, err)
	}
}

// raw sends bytes as a message.
type raw struct{ encoding.CodecV2 }

// Marshal implements encoding.CodecV2.
func (raw) Marshal(v any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(v.([]byte))}, nil
}

// TestMessagesThatCannotBeReadAreTheClientsFault and not the server's.
func TestMessagesThatCannotBeReadAreTheClientsFault(t *testing.T) {
	b := start(t, nil)
	text := func(s string) []byte {
		return protowire.AppendString(protowire.AppendTag(nil, (&hachiv1.GenerateRequest{}).ProtoReflect().Descriptor().Fields().ByName("text").Number(), protowire.BytesType), s)
	}
	for mention, message := range map[string][]byte{
		"invalid UTF-8": text("\xff"), "cannot be read": {0xff}, "unexpected EOF": text("abc")[:3],
		"more than": bytes.Repeat([]byte{7<<3 | 2, 0}, maxParts+1),
	} {
		stream, err := b.conn.NewStream(t.Context(), &grpc.StreamDesc{ServerStreams: true}, hachiv1.InferenceService_Generate_FullMethodName, grpc.ForceCodecV2(raw{encoding.GetCodecV2("proto")}))
		if err != nil {
			t.Fatal(err)
		}
		if err = stream.SendMsg(message); err == nil {
			_ = stream.CloseSend() // the answer says what is wrong
			err = stream.RecvMsg(&hachiv1.GenerateResponse{})
		}
		if status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), mention) {
			t.Errorf("%s: %v", mention, err)
		}
	}
}

// FuzzCodec: no message that the codec takes is one that protobuf refuses, and back.
func FuzzCodec(f *testing.F) {
	raw, err := proto.Marshal(conversation(&hachiv1.Conversation{Messages: []*hachiv1.Message{{Role: "user", Content: "x"}}}))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Fuzz(func(t *testing.T, raw []byte) {
		codec := counted{encoding.GetCodecV2("proto")}
		err := codec.Unmarshal(mem.BufferSlice{mem.SliceBuffer(raw)}, &hachiv1.GenerateRequest{})
		if want := proto.Unmarshal(raw, &hachiv1.GenerateRequest{}); (err == nil) != (want == nil) && len(raw) < maxParts {
			t.Errorf("%x: %v, protobuf says %v", raw, err, want)
		}
	})
}
