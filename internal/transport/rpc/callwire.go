package rpc

import (
	"errors"
	"fmt"
	"math"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/hachi-serve/hachi/internal/moepb"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// Calls and replies are written and read by hand, because they are the hot
// path: the generated code makes several objects for each. A test compares
// both ways with the generated code. Field numbers are those of expert.proto.
//
//	call                              reply
//	1  sequence, varint               1  sequence, varint
//	2  epoch, varint                  2  queue, varint of nanoseconds
//	3  layer, varint                  3  compute, varint of nanoseconds
//	4  rows, varint                   4  newer, a PlacementRecord
//	5  group, repeated
//	     1  expert, varint
//	     2  index, packed varints
//	6  trace, 24 bytes or none
const (
	bodyCall   = 2 // of ExchangeRequest
	bodyCancel = 3
	bodyReply  = 2 // of ExchangeResponse

	callSequence = 1
	callEpoch    = 2
	callLayer    = 3
	callRows     = 4
	callGroups   = 5
	callTrace    = 6
	groupExpert  = 1
	groupIndex   = 2

	replySequence = 1
	replyQueue    = 2
	replyCompute  = 3
	replyNewer    = 4
)

// uintSize and appendUint write a field of implicit presence: zero is absent.
// All field numbers here are below 16, so a tag is one byte.
func uintSize(v uint64) int {
	if v == 0 {
		return 0
	}
	return 1 + protowire.SizeVarint(v)
}

func appendUint(b []byte, field protowire.Number, v uint64) []byte {
	if v == 0 {
		return b
	}
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.VarintType), v)
}

// bytesSize is the size of a length-delimited field.
func bytesSize(n int) int { return 1 + protowire.SizeBytes(n) }

// appendLength writes the tag and the length of a field; its n bytes follow.
func appendLength(b []byte, field protowire.Number, n int) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.BytesType), uint64(n))
}

func indexSize(index []int32) int {
	n := 0
	for _, row := range index {
		n += protowire.SizeVarint(uint64(uint32(row)))
	}
	return n
}

func groupSize(g moe.Group) int {
	n := uintSize(uint64(uint32(g.Expert)))
	if len(g.Index) > 0 {
		n += bytesSize(indexSize(g.Index))
	}
	return n
}

// callSize is needed before the body is written: protobuf puts a length before
// its content.
func callSize(sequence uint64, c *moe.Call) int {
	n := uintSize(sequence) + uintSize(uint64(c.Epoch)) + uintSize(uint64(uint32(c.Layer))) + uintSize(uint64(uint32(c.Rows)))
	for _, g := range c.Groups {
		n += bytesSize(groupSize(g))
	}
	return n + traceBytes(c.Trace)
}

// appendCall writes the body of a call; size is its callSize.
func appendCall(b []byte, sequence uint64, c *moe.Call, size int) []byte {
	b = appendLength(b, bodyCall, size)
	b = appendUint(b, callSequence, sequence)
	b = appendUint(b, callEpoch, uint64(c.Epoch))
	b = appendUint(b, callLayer, uint64(uint32(c.Layer)))
	b = appendUint(b, callRows, uint64(uint32(c.Rows)))
	for _, g := range c.Groups {
		b = appendLength(b, callGroups, groupSize(g))
		b = appendUint(b, groupExpert, uint64(uint32(g.Expert)))
		if len(g.Index) == 0 {
			continue
		}
		b = appendLength(b, groupIndex, indexSize(g.Index))
		for _, row := range g.Index {
			b = protowire.AppendVarint(b, uint64(uint32(row)))
		}
	}
	return appendTrace(b, c.Trace)
}

// callMessage makes the message of a call. The call's Release becomes the
// message's.
func (o *outbound) callMessage(sequence uint64, c *moe.Call) *outgoing {
	size := callSize(sequence, c)
	m := o.message(bytesSize(size), func(b []byte) []byte { return appendCall(b, sequence, c, size) }, c.X, c.Release)
	m.sequence = sequence
	return m
}

// fields calls f for every field of a message. Only varints and
// length-delimited fields are handed over; others are skipped as unknown. bytes
// is nil for a varint, never for a length-delimited field, and is part of raw.
func fields(raw []byte, f func(number protowire.Number, v uint64, bytes []byte) error) error {
	for len(raw) > 0 {
		number, kind, n := protowire.ConsumeTag(raw)
		if n < 0 {
			return protowire.ParseError(n)
		}
		if number > protowire.MaxValidNumber { // which ConsumeTag takes, and generated code refuses
			return fmt.Errorf("field %d, expected at most %d", number, protowire.MaxValidNumber)
		}
		size := protowire.ConsumeFieldValue(number, kind, raw[n:])
		if size < 0 {
			return protowire.ParseError(size)
		}
		value := raw[n : n+size]
		raw = raw[n+size:]
		var v uint64
		var bytes []byte
		switch kind {
		case protowire.VarintType:
			v, _ = protowire.ConsumeVarint(value)
		case protowire.BytesType:
			bytes, _ = protowire.ConsumeBytes(value)
		default:
			continue
		}
		if err := f(number, v, bytes); err != nil {
			return err
		}
	}
	return nil
}

// callReader reads calls; its storage is used again for the next one.
type callReader struct {
	sequence uint64
	call     moe.Call
	index    []int32
	ends     []int // of each group in index
}

// read reads the body of a call. The shape is checked as far as it is known
// here: rowBytes is the size of a row.
func (r *callReader) read(body, payload []byte, rowBytes int) error {
	c := &r.call
	*c = moe.Call{X: payload, Groups: c.Groups[:0]}
	r.sequence, r.index, r.ends = 0, r.index[:0], r.ends[:0]
	var rows, layer uint64
	err := fields(body, func(number protowire.Number, v uint64, bytes []byte) error {
		switch {
		case number == callGroups && bytes != nil:
			return r.readGroup(bytes)
		case number == callTrace && bytes != nil:
			c.Trace = readTrace(bytes)
		case bytes != nil: // an unknown field, or a known number of another type
		case number == callSequence:
			r.sequence = v
		case number == callEpoch:
			c.Epoch = moe.Epoch(v)
		case number == callLayer:
			layer = uint64(uint32(v)) // protobuf cuts a uint32 that is too long
		case number == callRows:
			rows = uint64(uint32(v))
		}
		return nil
	})
	if err != nil {
		return err
	}
	// rows is below 2^32 and rowBytes below 2^31, so the product cannot overflow.
	if rows*uint64(rowBytes) != uint64(len(payload)) || layer > math.MaxInt32 {
		return fmt.Errorf("%d rows of %d bytes of layer %d in a payload of %d", rows, rowBytes, layer, len(payload))
	}
	c.Rows, c.Layer = int(rows), int(layer)
	// The groups get their parts of the index only now: append moved it before.
	// The third bound keeps a holder of one part from appending into the next.
	first := 0
	for i, end := range r.ends {
		c.Groups[i].Index = r.index[first:end:end]
		first = end
	}
	return r.check()
}

// readGroup reads a group. Where its index ends is kept apart, because the
// storage may still move.
func (r *callReader) readGroup(raw []byte) error {
	var g moe.Group
	err := fields(raw, func(number protowire.Number, v uint64, bytes []byte) error {
		switch {
		case number == groupExpert && bytes == nil:
			g.Expert = int(uint32(v))
		case number == groupIndex && bytes == nil: // not packed: as valid
			r.index = append(r.index, int32(uint32(v)))
		case number == groupIndex:
			for len(bytes) > 0 {
				v, n := protowire.ConsumeVarint(bytes)
				if n < 0 {
					return protowire.ParseError(n)
				}
				r.index, bytes = append(r.index, int32(uint32(v))), bytes[n:]
			}
		}
		return nil
	})
	r.call.Groups = append(r.call.Groups, g)
	r.ends = append(r.ends, len(r.index))
	return err
}

// check holds the order that expert.proto promises. Strictly ascending numbers
// bound a call's work: no expert and no row of an expert occurs twice. The
// handler may use every row number as an index without a check of its own.
func (r *callReader) check() error {
	c := &r.call
	for i, g := range c.Groups {
		if i > 0 && g.Expert <= c.Groups[i-1].Expert {
			return fmt.Errorf("experts are not ascending at %d", g.Expert)
		}
		for j, row := range g.Index {
			if row < 0 || int(row) >= c.Rows || (j > 0 && row <= g.Index[j-1]) {
				return fmt.Errorf("expert %d: row %d of %d is out of range or order", g.Expert, uint32(row), c.Rows)
			}
		}
	}
	if c.OutRows() == 0 {
		return errors.New("the call asks for nothing")
	}
	return nil
}

// replyMessage makes the message of a reply. The reply's Release becomes the
// message's, and is cleared in the reply so that no holder of r calls it again.
func (o *outbound) replyMessage(sequence uint64, r *moe.Reply) *outgoing {
	var newer []byte
	if r.Newer != nil {
		var err error
		if newer, err = proto.Marshal(moepb.PlacementToProto(r.Newer)); err != nil {
			panic("rpc: " + err.Error()) // a placement has nothing that could fail
		}
	}
	queue, compute := uint64(max(r.Queue, 0)), uint64(max(r.Compute, 0))
	size := uintSize(sequence) + uintSize(queue) + uintSize(compute)
	if r.Newer != nil {
		size += bytesSize(len(newer))
	}
	release := r.Release
	r.Release = nil
	return o.message(bytesSize(size), func(b []byte) []byte {
		b = appendLength(b, bodyReply, size)
		b = appendUint(b, replySequence, sequence)
		b = appendUint(b, replyQueue, queue)
		b = appendUint(b, replyCompute, compute)
		if r.Newer != nil {
			b = append(appendLength(b, replyNewer, len(newer)), newer...)
		}
		return b
	}, r.Y, release)
}

// readReply reads the body of a reply into reply, whose Y is payload: the
// caller must keep that memory until the reply is released. The length of Y is
// not checked here: only the router's dispatch knows how many rows it asked for.
func readReply(body, payload []byte, reply *moe.Reply) (sequence uint64, err error) {
	*reply = moe.Reply{Y: payload}
	err = fields(body, func(number protowire.Number, v uint64, bytes []byte) error {
		switch {
		case number == replyNewer && bytes != nil:
			var record hachiv1.PlacementRecord
			if err := proto.Unmarshal(bytes, &record); err != nil {
				return err
			}
			var err error
			reply.Newer, err = moepb.PlacementFromProto(&record)
			return err
		case bytes != nil:
		case number == replySequence:
			sequence = v
		case number == replyQueue:
			reply.Queue = time.Duration(min(v, math.MaxInt64))
		case number == replyCompute:
			reply.Compute = time.Duration(min(v, math.MaxInt64))
		}
		return nil
	})
	return sequence, err
}

// readCancel reads the body of a cancel.
func readCancel(body []byte) (sequence uint64, err error) {
	err = fields(body, func(number protowire.Number, v uint64, bytes []byte) error {
		if number == callSequence && bytes == nil {
			sequence = v
		}
		return nil
	})
	return sequence, err
}

// clear forgets what was read, and keeps the storage. The groups are zeroed,
// because a part of an old index would keep that index alive.
func (r *callReader) clear() {
	clear(r.call.Groups)
	r.call = moe.Call{Groups: r.call.Groups[:0]}
	r.index, r.ends = r.index[:0], r.ends[:0]
}
