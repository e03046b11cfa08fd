package tokenizer

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

// conversion is the Mistral v1 model as transformers converts it.
type conversion struct {
	definition
	list [][2]string
}

// convert makes merges of scores, once: every way to split a piece in two, best
// score first, then the longer left half, then the longer right one.
var convert = sync.OnceValue(func() conversion {
	d, err := parseModel(MistralV1())
	if err != nil {
		panic(err)
	}
	ids := map[string]int{}
	for id, p := range d.pieces {
		ids[p.text] = id
	}
	type scored struct {
		halves          [2]string
		score           float32
		length          [2]int
		leftID, rightID int
	}
	var all []scored
	for id, p := range d.pieces {
		var local []scored
		for at := range p.text {
			left, right := p.text[:at], p.text[at:]
			l, okLeft := ids[left]
			r, okRight := ids[right]
			if at > 0 && okLeft && okRight {
				local = append(local, scored{[2]string{left, right}, d.scores[id], [2]int{len([]rune(left)), len([]rune(right))}, l, r})
			}
		}
		slices.SortStableFunc(local, func(a, b scored) int {
			return cmp.Or(cmp.Compare(a.leftID, b.leftID), cmp.Compare(a.rightID, b.rightID))
		})
		all = append(all, local...)
	}
	slices.SortStableFunc(all, func(a, b scored) int {
		return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(b.length[0], a.length[0]), cmp.Compare(b.length[1], a.length[1]))
	})
	c := conversion{definition: d}
	for _, s := range all {
		c.list = append(c.list, s.halves)
	}
	return c
})

func hash(lines []string) string {
	sum := sha256.Sum256([]byte(strings.Join(lines, "\n")))
	return hex.EncodeToString(sum[:])
}

func (c conversion) vocabHash() string {
	var lines []string
	for _, p := range c.pieces {
		lines = append(lines, p.text)
	}
	return hash(lines)
}

func (c conversion) mergesHash() string {
	var lines []string
	for _, m := range c.list {
		lines = append(lines, m[0]+" "+m[1])
	}
	return hash(lines)
}

// content is a tokenizer.json to be, in one of the forms of goldens.py.
func (c conversion) content(form string) map[string]any {
	vocab := map[string]int{}
	for id, p := range c.pieces {
		vocab[p.text] = id
	}
	replace := map[string]any{"type": "Replace", "pattern": map[string]any{"String": " "}, "content": meta}
	decoders := []any{
		map[string]any{"type": "Replace", "pattern": map[string]any{"String": meta}, "content": " "},
		map[string]any{"type": "ByteFallback"}, map[string]any{"type": "Fuse"},
	}
	if form != "never" {
		decoders = append(decoders, map[string]any{"type": "Strip", "content": " ", "start": 1, "stop": 0})
	}
	out := map[string]any{
		"version": "1.0", "truncation": nil, "padding": nil, "added_tokens": []any{}, "normalizer": nil, "pre_tokenizer": nil, "post_processor": nil,
		"decoder": map[string]any{"type": "Sequence", "decoders": decoders},
		"model": map[string]any{
			"type": "BPE", "dropout": nil, "unk_token": "<unk>", "continuing_subword_prefix": nil, "end_of_word_suffix": nil,
			"fuse_unk": true, "byte_fallback": true, "ignore_merges": false, "vocab": vocab, "merges": c.list,
		},
	}
	if form == "legacy" {
		prepend := map[string]any{"type": "Prepend", "prepend": meta}
		out["normalizer"] = map[string]any{"type": "Sequence", "normalizers": []any{prepend, replace}}
	} else {
		out["pre_tokenizer"] = map[string]any{"type": "Metaspace", "replacement": meta, "prepend_scheme": form, "split": false}
	}
	return out
}

func (c conversion) file(t testing.TB, form string, added json.RawMessage) string {
	t.Helper()
	content := c.content(form)
	if added != nil {
		content["added_tokens"] = added
	}
	return marshal(t, content)
}

func marshal(t testing.TB, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func fromHex(t testing.TB, s string) string {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// editPieces sets the types of pieces in a SentencePiece model, with the score
// 0, and appends those it does not have.
func editPieces(t testing.TB, model []byte, types map[string]int) []byte {
	t.Helper()
	var out []byte
	done := map[string]bool{}
	piece := func(text string) []byte {
		b := protowire.AppendTag(nil, pieceText, protowire.BytesType)
		b = protowire.AppendString(b, text)
		b = protowire.AppendTag(b, pieceScore, protowire.Fixed32Type)
		b = protowire.AppendFixed32(b, 0)
		b = protowire.AppendTag(b, pieceType, protowire.VarintType)
		return protowire.AppendVarint(b, uint64(types[text]))
	}
	for b := model; len(b) > 0; {
		num, typ, n := protowire.ConsumeField(b)
		if n < 0 {
			t.Fatal(protowire.ParseError(n))
		}
		field := b[:n]
		b = b[n:]
		if num == modelPieces {
			text := pieceTextOf(t, field, typ)
			if _, edit := types[text]; edit {
				done[text] = true
				field = protowire.AppendBytes(protowire.AppendTag(nil, modelPieces, protowire.BytesType), piece(text))
			}
		}
		out = append(out, field...)
	}
	for _, text := range slices.SortedFunc(mapKeys(types), func(a, b string) int { return -cmp.Compare(a, b) }) {
		if !done[text] {
			out = protowire.AppendBytes(protowire.AppendTag(out, modelPieces, protowire.BytesType), piece(text))
		}
	}
	return out
}

func mapKeys(m map[string]int) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func pieceTextOf(t testing.TB, field []byte, typ protowire.Type) string {
	t.Helper()
	_, _, n := protowire.ConsumeTag(field)
	body, m := protowire.ConsumeBytes(field[n:])
	if typ != protowire.BytesType || m < 0 {
		t.Fatal(fmt.Errorf("piece of type %d", typ))
	}
	text := ""
	if err := fields(body, func(num protowire.Number, v value) error {
		if num == pieceText {
			text = string(v.bytes)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return text
}
