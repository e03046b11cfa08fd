package checkpoint

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"

	"crypto/sha256"

	"github.com/hachi-serve/hachi/internal/model/arch"
)

// Part is a safetensors file with the tensors of one expert, of one layer without its
// experts, or of what is outside the layers.
type Part struct {
	Name    string
	Size    int64 // bytes
	content pieces
	tensors []Spec
	header  []byte // JSON, as in FileState
}

// Reader reads the file.
func (p Part) Reader() *io.SectionReader { return io.NewSectionReader(p.content, 0, p.Size) }

// Parts are the checkpoint as files of which a node needs few: one for each expert and
// each layer. Together with IndexOf they are a checkpoint with the same digest.
func (c *Checkpoint) Parts() ([]Part, error) {
	if c.remote != nil {
		return nil, &Error{File: c.dir, Fault: Unreadable, Err: errElsewhere}
	}
	return c.parts(), nil
}

// parts are the parts, whose tensors can be read only from a directory.
func (c *Checkpoint) parts() []Part {
	var order []string
	groups := map[string][]Spec{}
	for _, s := range c.layout {
		name := partOf(s)
		if groups[name] == nil {
			order = append(order, name)
		}
		groups[name] = append(groups[name], s)
	}
	var parts []Part
	for _, name := range order {
		parts = append(parts, c.part(name, groups[name]))
	}
	return parts
}

// partOf names the part of a tensor.
func partOf(s Spec) string {
	switch {
	case s.IsExpert:
		return fmt.Sprintf("expert-%03d-%03d.safetensors", s.Expert.Layer, s.Expert.Expert)
	case s.Role == arch.Embed || s.Role == arch.FinalNorm || s.Role == arch.Head:
		return "outer.safetensors"
	}
	return fmt.Sprintf("layer-%03d.safetensors", s.Layer)
}

func (c *Checkpoint) part(name string, specs []Spec) Part {
	var stored []Stored
	for _, s := range specs {
		stored = append(stored, Stored{s, c.tensors[s.Name].dtype})
	}
	head := Header(stored)
	p := Part{Name: name, tensors: specs, header: head[8:], Size: int64(len(head)), content: pieces{{bytes.NewReader(head), 0, int64(len(head))}}}
	for _, s := range specs {
		t := c.tensors[s.Name]
		p.content = append(p.content, fragment{t.file.f, t.offset, t.bytes})
		p.Size += t.bytes
	}
	return p
}

// IndexName is the name of the file that lists the parts.
const IndexName = indexFile

// IndexOf is the content of that file.
func IndexOf(parts []Part) ([]byte, error) {
	index := struct {
		Metadata  map[string]int64  `json:"metadata"`
		WeightMap map[string]string `json:"weight_map"`
	}{map[string]int64{"total_size": 0}, map[string]string{}}
	for _, p := range parts {
		for _, s := range p.tensors {
			index.WeightMap[s.Name] = p.Name
		}
		index.Metadata["total_size"] += p.Size - int64(len(p.header)) - 8
	}
	return json.MarshalIndent(index, "", " ")
}

// ManifestOf is a manifest of the same tensors in other files, which have no times yet.
func ManifestOf(m *Manifest, parts []Part) ([]byte, error) {
	out := *m
	out.Files = nil
	for _, p := range parts {
		sum := sha256.Sum256(p.header)
		out.Files = append(out.Files, FileState{Name: p.Name, Size: p.Size, Header: hex.EncodeToString(sum[:])})
	}
	return json.MarshalIndent(out, "", " ")
}

// FileNames lists the files of the weights, as they are named in their place.
func (c *Checkpoint) FileNames() []string {
	var names []string
	for _, f := range c.files {
		names = append(names, f.name)
	}
	return names
}

// pieces are fragments of files, one after another.
type pieces []fragment

type fragment struct {
	from      io.ReaderAt
	at, bytes int64
}

// ReadAt implements io.ReaderAt.
func (p pieces) ReadAt(dst []byte, at int64) (n int, err error) {
	for _, f := range p {
		if at >= f.bytes {
			at -= f.bytes
			continue
		}
		if len(dst) == n {
			return n, nil
		}
		part := dst[n:min(int64(len(dst)), int64(n)+f.bytes-at)]
		got, err := f.from.ReadAt(part, f.at+at)
		if n += got; got < len(part) {
			return n, err
		}
		at = 0
	}
	if n < len(dst) {
		return n, io.EOF
	}
	return n, nil
}
