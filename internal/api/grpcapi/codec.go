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
	left := maxParts
	if err := count(m.ProtoReflect().Descriptor(), buffer.ReadOnlyData(), &left, protowire.DefaultRecursionLimit); err != nil {
		return err
	}
	return proto.Unmarshal(buffer.ReadOnlyData(), m)
}

// count takes the parts of an encoded message from left.
func count(md protoreflect.MessageDescriptor, b []byte, left *int, depth int) error {
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
			continue
		}
		value, n := protowire.ConsumeBytes(b)
		if n < 0 {
			return protowire.ParseError(n)
		}
		b = b[n:]
		if *left--; *left < 0 {
			return fmt.Errorf("the request has more than %d messages and texts", maxParts)
		}
		field := md.Fields().ByNumber(number)
		if field == nil || field.Message() == nil {
			continue
		}
		if depth == 0 {
			return fmt.Errorf("the request is nested too deeply")
		}
		if err := count(field.Message(), value, left, depth-1); err != nil {
			return err
		}
	}
	return nil
}
