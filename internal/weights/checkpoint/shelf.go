package checkpoint

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/hachi-serve/hachi/moe"
)

// Shelf presents a checkpoint as files that are equal wherever its tensors are: the
// configuration, the parts, their index and the manifest. It is safe for concurrent use.
type Shelf struct {
	c     *Checkpoint
	texts map[string][]byte
	parts map[string]Part
}

// Piece is a run of bytes inside a tensor of a part.
type Piece struct {
	Tensor string
	Expert *moe.ExpertID // whose tensor it is; nil for any other
	At     int64         // from the start of the tensor, in bytes
}

// ErrNotHeld is the error of a tensor whose bytes are not on this machine.
var ErrNotHeld = errors.New("the tensor is not on this machine")

// Shelf makes the files. It has the manifest that the checkpoint has now.
func (c *Checkpoint) Shelf() (*Shelf, error) {
	parts := c.parts()
	index, err := IndexOf(parts)
	if err != nil {
		return nil, err
	}
	s := &Shelf{c: c, texts: map[string][]byte{configFile: c.configText, indexFile: index}, parts: map[string]Part{}}
	if m := c.manifest.Load(); m != nil {
		if s.texts[ManifestFile], err = ManifestOf(m, parts); err != nil {
			return nil, err
		}
	}
	for _, p := range parts {
		s.parts[p.Name] = p
	}
	return s, nil
}

// File describes a file. The version of a part is the digest of the checkpoint, that of
// any other file its SHA-256, lower-case hex.
func (s *Shelf) File(name string) (size int64, version string, ok bool) {
	if text, ok := s.texts[name]; ok {
		sum := sha256.Sum256(text)
		return int64(len(text)), hex.EncodeToString(sum[:]), true
	}
	p, ok := s.parts[name]
	return p.Size, s.c.digest, ok
}

// Read fills dst with the bytes of a file at an offset, which must be inside it. tensor
// reads a piece of a tensor.
func (s *Shelf) Read(name string, dst []byte, at int64, tensor func(p Piece, dst []byte) error) error {
	if text, ok := s.texts[name]; ok {
		copy(dst, text[at:])
		return nil
	}
	p := s.parts[name]
	start := int64(len(p.header)) + 8
	if at < start {
		header := pieces{p.content[0]}
		n := min(int64(len(dst)), start-at)
		if _, err := header.ReadAt(dst[:n], at); err != nil {
			return err
		}
		dst, at = dst[n:], at+n
	}
	for _, spec := range p.tensors {
		end := start + s.c.tensors[spec.Name].bytes
		if len(dst) > 0 && at < end {
			n := min(int64(len(dst)), end-at)
			piece := Piece{Tensor: spec.Name, At: at - start}
			if spec.IsExpert {
				piece.Expert = &spec.Expert
			}
			if err := tensor(piece, dst[:n]); err != nil {
				return err
			}
			dst, at = dst[n:], at+n
		}
		start = end
	}
	return nil
}

// ExpertOf is the expert whose tensors are in a part, by the name of the part; false for
// any other file.
func ExpertOf(part string) (id moe.ExpertID, ok bool) {
	n, err := fmt.Sscanf(part, "expert-%d-%d.safetensors", &id.Layer, &id.Expert)
	return id, err == nil && n == 2
}

// Locate finds a range of a part in the files of the checkpoint's own place; false when
// the range is not inside one tensor.
func (s *Shelf) Locate(part string, at, bytes int64) (file string, offset int64, ok bool) {
	p, found := s.parts[part]
	start := int64(len(p.header)) + 8
	for _, spec := range p.tensors {
		t := s.c.tensors[spec.Name]
		if found && at >= start && at+bytes <= start+t.bytes {
			return t.file.name, t.offset + at - start, true
		}
		start += t.bytes
	}
	return "", 0, false
}

// ReadHere fills dst with bytes of a tensor that are on this machine: in the directory, in
// the cache, or among the samples. Otherwise the error is ErrNotHeld.
func (c *Checkpoint) ReadHere(ctx context.Context, p Piece, dst []byte) error {
	t, ok := c.tensors[p.Tensor]
	switch {
	case !ok || p.At < 0 || p.At+int64(len(dst)) > t.bytes:
		return fmt.Errorf("tensor %s: no %d bytes at %d", p.Tensor, len(dst), p.At)
	case c.remote == nil:
		_, err := t.file.f.ReadAt(dst, t.offset+p.At)
		return err
	case c.remote.Kept(c.wanted(t), dst, p.At):
		return nil
	}
	at, n := sample(t.Name, t.bytes)
	if p.At < at || p.At+int64(len(dst)) > at+n {
		return ErrNotHeld
	}
	pages, err := c.kept.get(ctx, c.samples)
	if err != nil {
		return err
	}
	copy(dst, pages[t.Name][p.At-at:])
	return nil
}
