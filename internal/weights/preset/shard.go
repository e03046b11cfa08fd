package preset

import (
	"fmt"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/weights/checkpoint"
)

// shard is one safetensors file to be.
type shard struct {
	name      string
	header    []byte // length prefix, JSON and padding
	tensors   []checkpoint.Spec
	dataBytes int64
}

// chunk is a piece of one tensor and its place in the file.
type chunk struct {
	gen    generator
	first  int64 // element
	bytes  int64
	offset int64
}

// plan spreads the tensors over files in the order of computation.
func plan(o Options) []shard {
	var shards []shard
	for _, s := range checkpoint.Layout(o.Config) {
		n := s.Elements() * int64(o.Config.DType.Size())
		last := len(shards) - 1
		if last < 0 || shards[last].dataBytes+n > o.ShardBytes && shards[last].dataBytes > 0 {
			shards, last = append(shards, shard{}), last+1
		}
		shards[last].tensors = append(shards[last].tensors, s)
		shards[last].dataBytes += n
	}
	for i := range shards {
		shards[i].name = "model.safetensors"
		if len(shards) > 1 {
			shards[i].name = fmt.Sprintf("model-%05d-of-%05d.safetensors", i+1, len(shards))
		}
		shards[i].header = header(shards[i].tensors, o.Config.DType)
	}
	return shards
}

func header(tensors []checkpoint.Spec, dtype tensor.DType) []byte {
	stored := make([]checkpoint.Stored, len(tensors))
	for i, s := range tensors {
		stored[i] = checkpoint.Stored{Spec: s, DType: dtype}
	}
	return checkpoint.Header(stored)
}

// chunks cuts the shard's tensors into pieces of at most chunkBytes.
func (s shard) chunks(o Options) []chunk {
	var out []chunk
	width, offset := int64(o.Config.DType.Size()), int64(len(s.header))
	for _, t := range s.tensors {
		g := newGenerator(o, t)
		size := t.Elements() * width
		for at := int64(0); at < size; at += chunkBytes {
			out = append(out, chunk{gen: g, first: at / width, bytes: min(chunkBytes, size-at), offset: offset + at})
		}
		offset += size
	}
	return out
}
