package checkpoint_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/internal/weights/checkpoint"
	"github.com/hachi-serve/hachi/internal/weights/preset"
)

// shape is a model of about 100 KB.
var shape = model.Config{
	Layers: 2, Hidden: 32, FFN: 48, Heads: 4, KVHeads: 2, HeadDim: 8, Vocab: 64, Experts: 4, TopK: 2,
	RopeTheta: 1e4, NormEps: 1e-5, MaxContext: 128, DType: tensor.BF16, BOS: 1, EOS: []int{2},
}

func write(t testing.TB, o preset.Options) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "model")
	if err := preset.WriteModel(context.Background(), dir, o); err != nil {
		t.Fatal(err)
	}
	return dir
}

func open(t testing.TB, dir string) *checkpoint.Checkpoint {
	t.Helper()
	c, err := checkpoint.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// info is one tensor of a header, in a form that tests may spoil.
type info struct {
	DType   string  `json:"dtype"`
	Shape   []int64 `json:"shape"`
	Offsets []int64 `json:"data_offsets"`
}

// parts are a safetensors file taken apart.
type parts struct {
	tensors map[string]*info
	data    []byte
}

func takeApart(t testing.TB, path string) *parts {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	n := binary.LittleEndian.Uint64(raw)
	all := map[string]json.RawMessage{}
	if err := json.Unmarshal(raw[8:8+n], &all); err != nil {
		t.Fatal(err)
	}
	p := &parts{tensors: map[string]*info{}, data: raw[8+n:]}
	for name, v := range all {
		if name == "__metadata__" {
			continue
		}
		p.tensors[name] = &info{}
		if err := json.Unmarshal(v, p.tensors[name]); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

func (p *parts) file(t testing.TB) []byte {
	t.Helper()
	header, err := json.Marshal(p.tensors)
	if err != nil {
		t.Fatal(err)
	}
	return container(header, p.data)
}

func container(header, data []byte) []byte {
	out := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return bytes.Join([][]byte{out, header, data}, nil)
}

// add appends a tensor of zeros.
func (p *parts) add(name, dtype string, shape []int64, size int) {
	at := int64(len(p.data))
	p.tensors[name] = &info{dtype, shape, []int64{at, at + int64(size)}}
	p.data = append(p.data, make([]byte, size)...)
}

// remove drops a tensor and its bytes.
func (p *parts) remove(name string) {
	gone := p.tensors[name].Offsets
	delete(p.tensors, name)
	p.data = append(p.data[:gone[0]:gone[0]], p.data[gone[1]:]...)
	for _, x := range p.tensors {
		if x.Offsets[0] >= gone[1] {
			x.Offsets[0] -= gone[1] - gone[0]
			x.Offsets[1] -= gone[1] - gone[0]
		}
	}
}

func save(t testing.TB, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

func editConfig(t testing.TB, dir string, edit func(map[string]any)) {
	t.Helper()
	path := filepath.Join(dir, "config.json")
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	m := map[string]any{}
	if err := json.Unmarshal(raw, &m); err != nil {
		t.Fatal(err)
	}
	edit(m)
	if raw, err = json.Marshal(m); err != nil {
		t.Fatal(err)
	}
	save(t, path, raw)
}
