package gguf

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/hachi-serve/hachi/internal/model/arch"
)

// WriteSideFiles writes config.json and, from the vocabulary inside the file,
// tokenizer.model into dir, and returns their paths.
func (f *File) WriteSideFiles(dir string) ([]string, error) {
	config, err := json.MarshalIndent(arch.JSON(f.cfg), "", "  ")
	if err != nil {
		return nil, err
	}
	pieces, err := f.sentencePieces()
	if err != nil {
		return nil, fmt.Errorf("%s: vocabulary: %w", f.path, err)
	}
	paths := []string{filepath.Join(dir, "config.json"), filepath.Join(dir, "tokenizer.model")}
	return paths, errors.Join(os.WriteFile(paths[0], append(config, '\n'), 0o644), os.WriteFile(paths[1], pieces, 0o644))
}

// sentencePieces is the vocabulary as a SentencePiece model: BPE with byte
// fallback, a prefix space and no normalization, as Mistral's is. The types of
// pieces have the same numbers in both formats.
func (f *File) sentencePieces() ([]byte, error) {
	m := f.header.meta
	if kind := m["tokenizer.ggml.model"]; kind != "llama" {
		return nil, fmt.Errorf("tokenizer.ggml.model is %v, expected llama", kind)
	}
	tokens, _ := m["tokenizer.ggml.tokens"].([]any)
	scores, _ := m["tokenizer.ggml.scores"].([]any)
	types, _ := m["tokenizer.ggml.token_type"].([]any)
	if len(tokens) != f.cfg.Vocab || len(scores) != len(tokens) || len(types) != len(tokens) {
		return nil, fmt.Errorf("%d tokens, %d scores and %d types for %d rows of the embedding", len(tokens), len(scores), len(types), f.cfg.Vocab)
	}
	var out []byte
	for i := range tokens {
		text, ok1 := tokens[i].(string)
		score, ok2 := scores[i].(float64)
		kind, ok3 := types[i].(int64)
		if !ok1 || !ok2 || !ok3 || kind < 1 || kind > 6 {
			return nil, fmt.Errorf("token %d: text %v, score %v, type %v", i, tokens[i], scores[i], types[i])
		}
		var piece []byte
		piece = protowire.AppendString(protowire.AppendTag(piece, 1, protowire.BytesType), text)
		piece = protowire.AppendFixed32(protowire.AppendTag(piece, 2, protowire.Fixed32Type), math.Float32bits(float32(score)))
		piece = protowire.AppendVarint(protowire.AppendTag(piece, 3, protowire.VarintType), uint64(kind))
		out = protowire.AppendBytes(protowire.AppendTag(out, 1, protowire.BytesType), piece)
	}
	trainer := varints(map[protowire.Number]uint64{3: 2, 4: uint64(len(tokens)), 35: 1, 40: 0, 41: 1, 42: 2})
	out = protowire.AppendBytes(protowire.AppendTag(out, 2, protowire.BytesType), trainer)
	normalizer := protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), "identity")
	normalizer = append(normalizer, varints(map[protowire.Number]uint64{3: 1, 4: 0, 5: 1})...)
	return protowire.AppendBytes(protowire.AppendTag(out, 3, protowire.BytesType), normalizer), nil
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
