package gguf

import (
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// sentencePieces is the vocabulary as a SentencePiece model: BPE with byte
// fallback and no normalization, as Mistral's is.
func (v *vocabulary) sentencePieces() (out []byte) {
	for _, p := range v.pieces {
		var b []byte
		b = protowire.AppendString(protowire.AppendTag(b, 1, protowire.BytesType), p.text)
		b = protowire.AppendFixed32(protowire.AppendTag(b, 2, protowire.Fixed32Type), math.Float32bits(p.score))
		b = protowire.AppendVarint(protowire.AppendTag(b, 3, protowire.VarintType), uint64(p.kind))
		out = protowire.AppendBytes(protowire.AppendTag(out, 1, protowire.BytesType), b)
	}
	trainer := varints(map[protowire.Number]uint64{
		3: 2, 4: uint64(len(v.pieces)), 35: 1, 40: uint64(v.unknown), 41: uint64(v.bos), 42: uint64(v.eos),
	})
	out = protowire.AppendBytes(protowire.AppendTag(out, 2, protowire.BytesType), trainer)
	prefix := uint64(0)
	if v.addSpace {
		prefix = 1
	}
	normalizer := protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), "identity")
	normalizer = append(normalizer, varints(map[protowire.Number]uint64{3: prefix, 4: 0, 5: 1})...)
	return protowire.AppendBytes(protowire.AppendTag(out, 3, protowire.BytesType), normalizer)
}

// varints writes fields in ascending order.
func varints(fields map[protowire.Number]uint64) (out []byte) {
	for n := protowire.Number(1); n < 64; n++ {
		if v, ok := fields[n]; ok {
			out = protowire.AppendVarint(protowire.AppendTag(out, n, protowire.VarintType), v)
		}
	}
	return out
}
