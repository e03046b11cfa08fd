package grpcapi

import (
	"fmt"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding"
	_ "google.golang.org/grpc/encoding/proto" // registers the codec that counted wraps
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

const (
	// maxMessage is the maximum length of a request, bytes.
	maxMessage = 4 << 20
	// maxParts is the maximum number of messages, texts and entries of maps in a
	// request. Two bytes on the wire can be a hundred in memory.
	maxParts = 1 << 15
	// maxNumbers is the maximum number of numbers in a request, such as the tokens of a
	// prompt. A byte on the wire can be four in memory, and four again once it is read.
	maxNumbers = 1 << 20
)

// ServerOptions bound what a request costs before its handler runs.
func ServerOptions() []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.MaxRecvMsgSize(maxMessage), grpc.ForceServerCodecV2(counted{encoding.GetCodecV2("proto")}),
		grpc.ChainStreamInterceptor(func(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handle grpc.StreamHandler) error {
			return handle(srv, readable{stream})
		}),
	}
}

// received is a message that a call receives, and why it could not be read.
type received struct {
	message any
	fault   error
}

// readable is a call whose client reads what is wrong with a message that cannot be
// read. The library would call it a fault of the server.
type readable struct{ grpc.ServerStream }

// RecvMsg implements grpc.ServerStream.
func (s readable) RecvMsg(m any) error {
	r := &received{message: m}
	if err := s.ServerStream.RecvMsg(r); err != nil {
		return err
	}
	if r.fault != nil {
		return status.Error(codes.InvalidArgument, "the request cannot be read: "+r.fault.Error())
	}
	return nil
}

// counted is a codec that counts the parts of a message before it makes them.
type counted struct{ encoding.CodecV2 }

// Unmarshal implements encoding.CodecV2.
func (c counted) Unmarshal(data mem.BufferSlice, v any) error {
	if r, ok := v.(*received); ok {
		r.fault = c.Unmarshal(data, r.message)
		return nil
	}
	m, ok := v.(proto.Message)
	if !ok {
		return c.CodecV2.Unmarshal(data, v)
	}
	buffer := data.MaterializeToBuffer(mem.DefaultBufferPool())
	defer buffer.Free()
	left := counter{parts: maxParts, numbers: maxNumbers}
	if err := left.count(m.ProtoReflect().Descriptor(), buffer.ReadOnlyData(), protowire.DefaultRecursionLimit); err != nil {
		return err
	}
	return proto.Unmarshal(buffer.ReadOnlyData(), m)
}

// counter is what a message may still have.
type counter struct{ parts, numbers int }

// count takes the parts and the numbers of an encoded message.
func (left *counter) count(md protoreflect.MessageDescriptor, b []byte, depth int) error {
	for len(b) > 0 {
		number, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return protowire.ParseError(n)
		}
		b = b[n:]
		if kind != protowire.BytesType {
			if n = protowire.ConsumeFieldValue(number, kind, b); n < 0 {
				return protowire.ParseError(n)
			}
			b = b[n:]
			if err := left.takeNumbers(1); err != nil {
				return err
			}
			continue
		}
		value, n := protowire.ConsumeBytes(b)
		if n < 0 {
			return protowire.ParseError(n)
		}
		b = b[n:]
		if left.parts--; left.parts < 0 {
			return fmt.Errorf("the request has more than %d messages and texts", maxParts)
		}
		if err := left.inside(md.Fields().ByNumber(number), value, depth); err != nil {
			return err
		}
	}
	return nil
}

// inside counts what is in a part: numbers one after another, or a message.
func (left *counter) inside(field protoreflect.FieldDescriptor, value []byte, depth int) error {
	switch {
	case field == nil:
	case field.Message() != nil && depth == 0:
		return fmt.Errorf("the request is nested too deeply")
	case field.Message() != nil:
		return left.count(field.Message(), value, depth-1)
	case field.IsList() && field.Kind() != protoreflect.StringKind && field.Kind() != protoreflect.BytesKind:
		return left.takeNumbers(numbersIn(value))
	}
	return nil
}

// numbersIn is how many numbers a packed field has: each ends with a byte below 0x80. Those
// of a fixed length may be more or fewer, and are no longer in memory than here.
func numbersIn(packed []byte) (n int) {
	for _, b := range packed {
		if b < 0x80 {
			n++
		}
	}
	return n
}

func (left *counter) takeNumbers(n int) error {
	if left.numbers -= n; left.numbers < 0 {
		return fmt.Errorf("the request has more than %d numbers", maxNumbers)
	}
	return nil
}
