package peer

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	"google.golang.org/grpc"

	"github.com/hachi-serve/hachi/internal/weights/source"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// body is a transfer from one node.
type body struct {
	f      *Files
	from   Node
	of     run
	stream grpc.ServerStreamingClient[hachiv1.ReadFileResponse]
	cancel context.CancelCauseFunc
	data   []byte
	counts bool // the node is noted as a sender
}

var errLate = errors.New("nothing came in time")

// openAt begins a transfer and waits for its first piece.
func (f *Files) openAt(ctx context.Context, p Node, name string, as source.Info, at, n int64) (io.ReadCloser, error) {
	service, err := f.nodes.service(p)
	if err != nil {
		return nil, f.failed(p, name, err)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	late := time.AfterFunc(answerWithin, func() { cancel(errLate) })
	defer late.Stop()
	b := &body{f: f, from: p, of: run{name, at + n}, cancel: cancel}
	b.stream, err = service.ReadFile(ctx, &hachiv1.ReadFileRequest{Name: name, Version: as.Version, Offset: uint64(at), Size: uint64(n)})
	if err == nil && n > 0 {
		err = b.receive()
	}
	if err != nil {
		if context.Cause(ctx) == errLate { //nolint:errorlint // it is this very value
			err = fmt.Errorf("%w: %w", errLate, err)
		}
		cancel(nil)
		return nil, f.failed(p, name, err)
	}
	if !isPart(name) {
		return b.whole(as)
	}
	return b, nil
}

// receive waits for the next piece that is not empty.
func (b *body) receive() error {
	for len(b.data) == 0 {
		r, err := b.stream.Recv()
		if err != nil {
			return err
		}
		b.data = r.GetData()
	}
	return nil
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	if len(b.data) == 0 {
		switch err := b.receive(); {
		case errors.Is(err, io.EOF):
			return 0, io.EOF
		case err != nil:
			return 0, b.f.failed(b.from, b.of.name, err)
		}
	}
	if !b.counts {
		b.counts = true
		b.f.sent(b.of, b.from)
	}
	n := copy(p, b.data)
	b.data = b.data[n:]
	return n, nil
}

// Close implements io.Closer.
func (b *body) Close() error {
	b.cancel(nil)
	return nil
}

// whole reads a text file, whose version is its hash.
func (b *body) whole(as source.Info) (io.ReadCloser, error) {
	defer b.Close()
	data, err := io.ReadAll(io.LimitReader(b, as.Size+1))
	if err != nil {
		return nil, err
	}
	if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != as.Version {
		b.f.nodes.refuse(b.from, b.of.name)
		return nil, b.f.fault(b.of.name, source.Damaged, "node %s: expected sha256 %.80s, found %x", b.from.ID, as.Version, sum)
	}
	return io.NopCloser(bytes.NewReader(data)), nil
}

// sent notes who sends the bytes of a range.
func (f *Files) sent(of run, p Node) {
	f.mu.Lock()
	defer f.mu.Unlock()
	t := f.tries[of]
	if t == nil {
		t = &try{}
		f.tries[of] = t
	}
	if k := len(t.senders); k == 0 || t.senders[k-1].ID != p.ID {
		t.senders = append(t.senders, p)
	}
}

// onlyFrom is the node from which all of a range should come, so that it can be judged; ""
// is any.
func (f *Files) onlyFrom(of run) moe.NodeID {
	f.mu.Lock()
	defer f.mu.Unlock()
	if t := f.tries[of]; t != nil {
		return t.only
	}
	return ""
}

// maxMixed bounds the tries of a range whose bytes come from several nodes each time.
const maxMixed = 4

// Blame implements source.Suspect. Bytes that one node sent whole are its own; of others
// the next try tells more.
func (f *Files) Blame(name string, at, n, earlier int64) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	of := run{name, at + n}
	t := f.tries[of]
	if t == nil {
		return false
	}
	senders := t.senders
	t.senders = nil
	switch {
	case earlier > 0: // what an earlier process kept may be at fault
		return true
	case len(senders) == 1 && senders[0].ID == "":
		return false // the home itself
	case len(senders) == 1:
		t.only = ""
		f.nodes.refuse(senders[0], name)
		return true
	}
	t.mixed++
	t.only = senders[0].ID
	return t.mixed <= maxMixed
}
