package rpc

import (
	"errors"
	"fmt"
	"hash/crc32"

	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/hachi-serve/hachi/internal/transport/rowbuf"
)

// incoming is a received message, split into its parts. Its owner, the reader of a
// stream, receives one message after another into the same value. It frees the
// memory of each, or moves hold to the call or reply that keeps the payload. To
// move is to copy hold and to zero the old one: two holds of one piece of memory
// would free it twice.
//
// whole, body and payload are parts of the memory that hold keeps. They are
// valid until hold is freed, wherever it was moved.
type incoming struct {
	memory lender
	always bool // into memory, also from a single buffer

	field   protowire.Number // of the body
	whole   []byte           // the body, with tag and length
	body    []byte           // the body's message, without tag and length
	payload []byte
	err     error // what is wrong with the message
	hold    hold  // the memory of body and payload
}

// lender lends memory for received messages, aligned as that of rowbuf.
type lender interface {
	Get(n int) (data []byte, release func())
}

// lends is a function as a lender.
type lends func(n int) (data []byte, release func())

// Get implements lender.
func (f lends) Get(n int) (data []byte, release func()) { return f(n) }

// hold keeps received memory until it is freed: a reference to gRPC's own
// buffer, or memory it was copied to. One of its fields is set, or none. It has
// one owner at a time and no lock.
type hold struct {
	buffer  mem.Buffer
	release func()
}

// free gives the memory back; a second call does nothing.
func (h *hold) free() {
	switch {
	case h.buffer != nil:
		h.buffer.Free()
	case h.release != nil:
		h.release()
	}
	*h = hold{}
}

// generated reads the body as a message of its generated type. It reads whole,
// because body lacks the tag that names the case of the oneof. The result has
// copies of its strings and bytes, so it outlives hold.
func (in *incoming) generated(m proto.Message) error { return proto.Unmarshal(in.whole, m) }

// take splits a message. The caller owns data and frees it afterward. One that lies in a single buffer stays there, with a
// reference of its own; one in several buffers is copied once, and so is every one
// where the device of the experts reads it from lent memory.
func (in *incoming) take(data mem.BufferSlice) {
	in.field, in.whole, in.body, in.payload = 0, nil, nil, nil
	if len(data) == 1 && !in.always {
		data[0].Ref()
		in.hold = hold{buffer: data[0]}
		in.err = in.parse(data[0].ReadOnlyData())
		return
	}
	// The payload is the end of the message, and its size is a multiple of the
	// alignment for any model of some width: with an aligned end it is aligned.
	size := data.Len()
	pad := -size & (rowbuf.Align - 1)
	raw, release := in.memory.Get(pad + size)
	in.hold = hold{release: release}
	data.CopyTo(raw[pad:])
	in.err = in.parse(raw[pad:])
}

// parse splits a message and checks its CRC32C; body and payload are parts of
// raw. It accepts fields in any order, and no unknown ones: there is no older
// version to be compatible with. A second body is refused; of a checksum or a
// payload that is repeated the last one counts, as protobuf says. An absent
// checksum reads as 0 and so fails like a wrong one.
func (in *incoming) parse(raw []byte) error {
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
			in.payload, _ = protowire.ConsumeBytes(field[n:])
		case number < fieldCRC && kind == protowire.BytesType && in.whole == nil:
			in.field, in.whole = number, field // the checksum covers tag and length
			in.body, _ = protowire.ConsumeBytes(field[n:])
		default:
			return fmt.Errorf("unexpected field %d", number)
		}
		rest = rest[n+size:]
	}
	if in.whole == nil {
		return errors.New("no body")
	}
	if got := crc32.Update(crc32.Checksum(in.whole, castagnoli), castagnoli, in.payload); got != sum {
		return fmt.Errorf("checksum %08x, expected %08x", got, sum)
	}
	return nil
}
