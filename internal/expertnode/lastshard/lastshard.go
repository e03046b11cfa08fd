package lastshard

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/hachi-serve/hachi/internal/wholefile"
	"github.com/hachi-serve/hachi/moe"
)

// File is where a node remembers its shard.
type File struct {
	Path        string
	Node        moe.NodeID
	Fingerprint moe.Fingerprint
	Topology    moe.Topology // of the model
}

// maxBytes is far above what a shard of the largest model takes.
const maxBytes = 1 << 20

// record is the text of the file. Sum is the SHA-256 of the record without it.
type record struct {
	Node        moe.NodeID      `json:"node"`
	Fingerprint moe.Fingerprint `json:"fingerprint"`
	Experts     [][]int         `json:"experts"` // by layer
	Sum         string          `json:"sha256"`
}

func (r record) sum() string {
	r.Sum = ""
	raw, _ := json.Marshal(r) // of strings and numbers: cannot fail
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}

// Remember replaces what the file says.
func (f File) Remember(s moe.Shard) error {
	r := record{Node: f.Node, Fingerprint: f.Fingerprint, Experts: make([][]int, f.Topology.Layers())}
	for _, id := range s {
		if f.Topology.Index(id) < 0 {
			return fmt.Errorf("expert %v is not of this model", id)
		}
		r.Experts[id.Layer] = append(r.Experts[id.Layer], id.Expert)
	}
	r.Sum = r.sum()
	raw, err := json.Marshal(r)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(f.Path), 0o700); err != nil {
		return err
	}
	return wholefile.Write(f.Path, append(raw, '\n'), 0o600)
}

// Recall reads what was remembered; nothing when there is no file.
func (f File) Recall() (moe.Shard, error) {
	info, err := os.Stat(f.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil && info.Size() > maxBytes {
		err = fmt.Errorf("%s has %d bytes, expected at most %d", f.Path, info.Size(), maxBytes)
	}
	if err != nil {
		return nil, err
	}
	raw, err := os.ReadFile(f.Path)
	if err != nil {
		return nil, err
	}
	shard, err := f.parse(raw)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Path, err)
	}
	return shard, nil
}

// parse checks the text of a file.
func (f File) parse(raw []byte) (moe.Shard, error) {
	var r record
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		return nil, err
	}
	switch {
	case r.Sum != r.sum():
		return nil, errors.New("the SHA-256 is not that of the file")
	case r.Node != f.Node:
		return nil, fmt.Errorf("it is of node %q, expected %q", r.Node, f.Node)
	case r.Fingerprint != f.Fingerprint:
		return nil, fmt.Errorf("it is of model %q, expected %q", r.Fingerprint, f.Fingerprint)
	}
	var out moe.Shard
	for layer, experts := range r.Experts {
		for _, e := range experts {
			id := moe.ExpertID{Layer: layer, Expert: e}
			if f.Topology.Index(id) < 0 {
				return nil, fmt.Errorf("expert %v is not of this model", id)
			}
			out = append(out, id)
		}
	}
	return moe.NewShard(out), nil
}
