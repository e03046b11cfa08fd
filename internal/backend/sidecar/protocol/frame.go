package protocol

import (
	"encoding/binary"
	"fmt"
	"io"
)

// Version is the version of the protocol. Each frame carries it.
const Version = 1

const (
	// HeaderBytes is the size of what comes before a body.
	HeaderBytes = 16
	// MaxBody bounds a body. Rows and weights travel in shared memory.
	MaxBody = 4096
)

// Kind says what a frame is.
type Kind uint8

// The helper sends KindHello, KindDone and KindFailed, the node the rest.
const (
	KindHello     Kind = 1 // the first frame of a connection
	KindConfigure Kind = 2 // with the file of the rows
	KindLoad      Kind = 3 // with the file of the weights
	KindUnload    Kind = 4
	KindRun       Kind = 5
	KindDone      Kind = 6 // answers a frame of the same ID
	KindFailed    Kind = 7 // answers a frame of the same ID
)

func (k Kind) String() string {
	names := [...]string{"", "hello", "configure", "load", "unload", "run", "done", "failed"}
	if k == 0 || int(k) >= len(names) {
		return fmt.Sprintf("kind %d", uint8(k))
	}
	return names[k]
}

// Frame is one message. ID joins an answer to its question; that of a Hello is 0.
type Frame struct {
	Kind Kind
	ID   uint64
	Body []byte
}

// Append appends the bytes of a frame.
//
//	offset  size  content
//	0       2     "HS"
//	2       1     Version
//	3       1     Kind
//	4       4     size of the body in bytes
//	8       8     ID
//	16            body
//
// Numbers are little-endian.
func (f Frame) Append(to []byte) []byte {
	to = append(to, 'H', 'S', Version, byte(f.Kind))
	to = binary.LittleEndian.AppendUint32(to, uint32(len(f.Body)))
	to = binary.LittleEndian.AppendUint64(to, f.ID)
	return append(to, f.Body...)
}

// Read reads one frame. It returns io.EOF before the first byte of one, and no other
// error equals io.EOF.
func Read(r io.Reader) (Frame, error) {
	var head [HeaderBytes]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		if err == io.EOF {
			return Frame{}, err
		}
		return Frame{}, fmt.Errorf("header of a frame: %w", err)
	}
	if head[0] != 'H' || head[1] != 'S' {
		return Frame{}, fmt.Errorf("a frame begins with %q, expected %q", head[:2], "HS")
	}
	if head[2] != Version {
		return Frame{}, fmt.Errorf("a frame of version %d, expected %d: helper and hachi are of different releases", head[2], Version)
	}
	f := Frame{Kind: Kind(head[3]), ID: binary.LittleEndian.Uint64(head[8:])}
	if f.Kind < KindHello || f.Kind > KindFailed {
		return Frame{}, fmt.Errorf("a frame of unknown %v", f.Kind)
	}
	size := binary.LittleEndian.Uint32(head[4:])
	if size > MaxBody {
		return Frame{}, fmt.Errorf("%v with a body of %d bytes, the limit is %d", f.Kind, size, MaxBody)
	}
	f.Body = make([]byte, size)
	if _, err := io.ReadFull(r, f.Body); err != nil {
		return Frame{}, fmt.Errorf("body of %v, %d bytes: %w", f.Kind, size, io.ErrUnexpectedEOF)
	}
	return f, nil
}
