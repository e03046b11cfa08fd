package rpc

import (
	"fmt"
	"hash/crc32"

	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
)

// Field numbers of ExchangeRequest and ExchangeResponse. Bodies have the numbers
// below fieldCRC.
const (
	fieldCRC     = 14
	fieldPayload = 15
)

// castagnoli is CRC32C: hash/crc32 uses the CPU's instruction where there is one.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// codec sends and receives the messages of Exchange without copying their
// payload, and everything else as gRPC does. The wire is protobuf either way.
type codec struct{ encoding.CodecV2 }

func newCodec() codec { return codec{encoding.GetCodecV2(proto.Name)} }

// Marshal implements encoding.CodecV2. gRPC owns the buffers from here on. It
// frees each one once, or none of those that a broken connection has queued.
func (c codec) Marshal(v any) (mem.BufferSlice, error) {
	if m, ok := v.(*outgoing); ok {
		return m.buffers(), nil
	}
	return c.CodecV2.Marshal(v)
}

// Unmarshal implements encoding.CodecV2. A damaged message of Exchange is no
// error here: the stream's owner decides what it means. gRPC frees data when
// Unmarshal returns, so take keeps a reference or a copy.
func (c codec) Unmarshal(data mem.BufferSlice, v any) error {
	if in, ok := v.(*incoming); ok {
		in.take(data)
		return nil
	}
	if err := c.CodecV2.Unmarshal(data, v); err != nil {
		return fmt.Errorf("rpc: %T: %w", v, err)
	}
	return nil
}
