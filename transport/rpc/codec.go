package rpc

import (
	"errors"
	"fmt"
	"hash/crc32"

	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// Field numbers of ExchangeRequest and ExchangeResponse.
const (
	fieldCRC     = 14
	fieldPayload = 15
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// frame is an ExchangeRequest or ExchangeResponse taken apart: a message with
// nothing but its body, and the payload. On receipt err says what was wrong
// with it; the stream's owner decides what that means.
type frame struct {
	body    proto.Message
	payload []byte
	err     error
}

// codec sends frames without copying their payload, and everything else as
// ordinary protobuf.
type codec struct{}

var _ encoding.CodecV2 = codec{}

// Name is the content subtype: what travels is protobuf.
func (codec) Name() string { return "proto" }

func (codec) Marshal(v any) (mem.BufferSlice, error) {
	switch v := v.(type) {
	case *frame:
		return v.encode()
	case proto.Message:
		raw, err := proto.Marshal(v)
		return mem.BufferSlice{mem.SliceBuffer(raw)}, err
	}
	return nil, fmt.Errorf("rpc: cannot encode a %T", v)
}

func (codec) Unmarshal(data mem.BufferSlice, v any) error {
	// One copy into memory of our own; the payload stays a part of it.
	raw := make([]byte, data.Len())
	data.CopyTo(raw)
	switch v := v.(type) {
	case *frame:
		v.err = v.decode(raw)
		return nil
	case proto.Message:
		return proto.Unmarshal(raw, v)
	}
	return fmt.Errorf("rpc: cannot decode a %T", v)
}

func (f *frame) encode() (mem.BufferSlice, error) {
	const trailer = 1 + 4 + 1 + 10
	head := make([]byte, 0, proto.Size(f.body)+trailer)
	head, err := proto.MarshalOptions{}.MarshalAppend(head, f.body)
	if err != nil {
		return nil, err
	}
	sum := crc32.Update(crc32.Checksum(head, castagnoli), castagnoli, f.payload)
	head = protowire.AppendTag(head, fieldCRC, protowire.Fixed32Type)
	head = protowire.AppendFixed32(head, sum)
	if len(f.payload) == 0 {
		return mem.BufferSlice{mem.SliceBuffer(head)}, nil
	}
	head = protowire.AppendTag(head, fieldPayload, protowire.BytesType)
	head = protowire.AppendVarint(head, uint64(len(f.payload)))
	return mem.BufferSlice{mem.SliceBuffer(head), mem.SliceBuffer(f.payload)}, nil
}

// decode takes a message apart. The payload aliases raw.
func (f *frame) decode(raw []byte) error {
	var body []byte
	var sum uint32
	for rest := raw; len(rest) > 0; {
		number, kind, n := protowire.ConsumeTag(rest)
		if n < 0 {
			return fmt.Errorf("damaged tag: %w", protowire.ParseError(n))
		}
		size := protowire.ConsumeFieldValue(number, kind, rest[n:])
		if size < 0 {
			return fmt.Errorf("damaged field %d: %w", number, protowire.ParseError(size))
		}
		field := rest[:n+size]
		switch {
		case number == fieldCRC && kind == protowire.Fixed32Type:
			sum, _ = protowire.ConsumeFixed32(field[n:])
		case number == fieldPayload && kind == protowire.BytesType:
			f.payload, _ = protowire.ConsumeBytes(field[n:])
		case number < fieldCRC && body == nil:
			body = field
		default:
			return fmt.Errorf("unexpected field %d", number)
		}
		rest = rest[n+size:]
	}
	if body == nil {
		return errors.New("no body")
	}
	if got := crc32.Update(crc32.Checksum(body, castagnoli), castagnoli, f.payload); got != sum {
		return fmt.Errorf("checksum %08x, expected %08x", got, sum)
	}
	return proto.Unmarshal(body, f.body)
}
