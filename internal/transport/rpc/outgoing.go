package rpc

import (
	"hash/crc32"
	"sync"
	"sync/atomic"

	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/hachi-serve/hachi/internal/transport/rowbuf"
)

// outgoing is a message on its way out: a head (body, checksum, and the tag and
// length of the payload) and a payload that is sent from where it lies. Both
// parts belong to gRPC from SendMsg on, until it has freed them: grpc-go still
// sends after SendMsg returns. Only then is the message used again.
//
//	pool --message--> owned by its maker or an outbox
//	owned --buffers--> gRPC's --freed, per part--> pool
//	owned --drop--> pool
//
// No lock guards a message: it has one owner at a time, and live counts down to
// the one goroutine that returns it to the pool.
type outgoing struct {
	head, payload part
	live          atomic.Int32  // parts that gRPC has not freed
	slice         [2]mem.Buffer // of buffers, here so that a send makes no garbage
	from          *outbound     // whose pool the message returns to

	sequence uint64 // of the call it carries; 0 if it carries none
	rows     int    // credits that its sending gives back
	refusal  bool   // it answers a call that took no credits
}

// part is memory that gRPC sends, and how to release it. It implements the pool
// that its own mem.Buffer returns to: gRPC calls Put after the last reference.
type part struct {
	data    []byte
	release func() // nil: the garbage collector's
	of      *outgoing
}

// Get implements mem.BufferPool; gRPC never gets from a buffer's pool.
func (p *part) Get(int) *[]byte { panic("rpc: a part is no source of memory") }

// Put implements mem.BufferPool: the last reference is gone.
func (p *part) Put(*[]byte) { p.of.freed(p) }

// outbound makes messages and reuses them once gRPC has freed them. It may be used
// from any goroutine.
type outbound struct {
	memory   *rowbuf.Pool
	messages sync.Pool // of *outgoing
}

// small is the size up to which a payload travels inside the head. gRPC does
// not count references to memory with a capacity of up to 1 KiB, and never calls
// Put for it. A head is always counted: rowbuf lends at least 2 KiB.
const small = 1 << 10

// message makes a message. appendBody writes exactly bodySize bytes; release is
// called when the payload is not read any more: by gRPC, by drop, or before
// message returns if the payload was copied. In a session that is under
// session.order, so release must not start or cancel a call.
func (o *outbound) message(bodySize int, appendBody func([]byte) []byte, payload []byte, release func()) *outgoing {
	const trailer = 1 + 4 + 1 + 10 // checksum with its tag, payload's tag, longest varint
	m, ok := o.messages.Get().(*outgoing)
	if !ok {
		m = &outgoing{from: o}
		m.head.of, m.payload.of = m, m
	}
	m.sequence, m.rows, m.refusal = 0, 0, false
	inline := len(payload) <= small
	size := bodySize + trailer
	if inline {
		size += len(payload)
	}
	head, releaseHead := o.memory.Get(size)
	head = appendBody(head[:0])
	// head is the body with its tag and length here; the checksum covers no more
	// of what is appended to it below.
	sum := crc32.Update(crc32.Checksum(head, castagnoli), castagnoli, payload)
	head = protowire.AppendTag(head, fieldCRC, protowire.Fixed32Type)
	head = protowire.AppendFixed32(head, sum)
	if len(payload) > 0 {
		head = protowire.AppendTag(head, fieldPayload, protowire.BytesType)
		head = protowire.AppendVarint(head, uint64(len(payload)))
	}
	if inline {
		head = append(head, payload...)
		if release != nil {
			release()
		}
		payload, release = nil, nil
	}
	m.head.data, m.head.release = head, releaseHead
	m.payload.data, m.payload.release = payload, release
	return m
}

// plain makes a message without payload, from the generated type of its body.
func (o *outbound) plain(body proto.Message) *outgoing {
	return o.message(proto.Size(body), func(b []byte) []byte {
		// A generated message with nothing required and no lazy field cannot fail.
		b, err := proto.MarshalOptions{UseCachedSize: true}.MarshalAppend(b, body)
		if err != nil {
			panic("rpc: " + err.Error())
		}
		return b
	}, nil, nil)
}

// buffers passes the message to gRPC, which frees each part exactly once. live
// is set before gRPC has the slice, because it may free a part at any time after.
func (m *outgoing) buffers() mem.BufferSlice {
	m.slice[0] = mem.NewBuffer(&m.head.data, &m.head)
	if m.payload.data == nil {
		m.live.Store(1)
		return m.slice[:1]
	}
	m.live.Store(2)
	m.slice[1] = mem.NewBuffer(&m.payload.data, &m.payload)
	return m.slice[:2]
}

// drop frees a message that was never passed to gRPC. It frees both parts, also
// an empty payload, so live is 2 in any case.
func (m *outgoing) drop() {
	m.live.Store(2)
	m.freed(&m.head)
	m.freed(&m.payload)
}

// freed gives back a part, and after the last one the message. Both users of
// m.slice, SendMsg and the transport's writer, have read an element before they
// free it, so neither reads the slice after the last free.
func (m *outgoing) freed(p *part) {
	if p.release != nil {
		p.release()
	}
	p.data, p.release = nil, nil
	if m.live.Add(-1) == 0 {
		m.slice = [2]mem.Buffer{}
		m.from.messages.Put(m)
	}
}
