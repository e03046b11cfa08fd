package tokenizer

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
)

// smallPieces is a vocabulary of the right form, small enough to fuzz.
func smallPieces() []piece {
	pieces := []piece{{"<unk>", unknown}, {"<s>", control}, {"</s>", control}}
	for b := range 256 {
		pieces = append(pieces, piece{fmt.Sprintf("<0x%02X>", b), byteValue})
	}
	for _, text := range []string{meta, "a", "b", "ab", "▁a", "▁ab", "aa", "▁▁", "あ", "ああ", "abあ"} {
		pieces = append(pieces, piece{text, normal})
	}
	return pieces
}

func smallModel() []byte {
	var b []byte
	for i, p := range smallPieces() {
		body := protowire.AppendString(protowire.AppendTag(nil, pieceText, protowire.BytesType), p.text)
		body = protowire.AppendFixed32(protowire.AppendTag(body, pieceScore, protowire.Fixed32Type), 0xc0000000+uint32(i)<<16)
		body = protowire.AppendVarint(protowire.AppendTag(body, pieceType, protowire.VarintType), uint64(p.kind))
		b = protowire.AppendBytes(protowire.AppendTag(b, modelPieces, protowire.BytesType), body)
	}
	return append(b, modelTrainer<<3|2, 5, trainerType<<3, typeBPE, 0x98, 0x02, 1, modelNormalizer<<3|2, 2, normalizerStrip<<3, 0)
}

func smallJSON() string {
	vocab := map[string]int{}
	for id, p := range smallPieces() {
		vocab[p.text] = id
	}
	v, _ := json.Marshal(vocab) // texts and numbers: cannot fail
	return `{"version":"1.0","added_tokens":[{"id":0,"content":"<unk>","special":true},{"id":1,"content":"<s>","special":true},{"id":2,"content":"</s>","special":true},` +
		`{"id":270,"content":"<x>","normalized":true}],"normalizer":{"type":"Sequence","normalizers":[{"type":"Prepend","prepend":"▁"},` +
		`{"type":"Replace","pattern":{"String":" "},"content":"▁"}]},"pre_tokenizer":null,"decoder":{"type":"Sequence","decoders":[{"type":"Replace",` +
		`"pattern":{"String":"▁"},"content":" "},{"type":"ByteFallback"},{"type":"Fuse"},{"type":"Strip","content":" ","start":1,"stop":0}]},` +
		`"model":{"type":"BPE","unk_token":"<unk>","byte_fallback":true,"vocab":` + string(v) + `,"merges":["a b","▁ a","▁a b","a a"]}}`
}

// use encodes and decodes: what was read must be usable whatever it holds.
func use(t *testing.T, tok *Tokenizer) {
	for _, text := range []string{"", " ab  aab\n", "ああabあ<x> <s>", "\xff\x00𠮷"} {
		for _, id := range tok.Encode(text) {
			if id < 0 || int(id) >= tok.Vocab() || id == tok.BOS() || id == tok.EOS() {
				t.Fatalf("%q: id %d", text, id)
			}
		}
		tok.Decode(tok.Prompt(text))
	}
}

func defaults() config {
	return config{addBOS: true, legacy: true, specials: map[string]string{"bos_token": "<s>", "eos_token": "</s>"}}
}

func FuzzModel(f *testing.F) {
	small := smallModel()
	f.Add(small)
	f.Add(small[:len(small)/2])
	f.Add(append(smallModel(), small...))
	f.Fuzz(func(t *testing.T, b []byte) {
		if d, err := parseModel(b); err == nil {
			if tok, err := build(d, defaults()); err == nil {
				use(t, tok)
			}
		}
	})
}

func FuzzJSON(f *testing.F) {
	small := smallJSON()
	f.Add([]byte(small))
	f.Add([]byte(strings.NewReplacer(`"a b"`, `["a","b"]`, `"▁ a"`, `["▁","a"]`, `"▁a b"`, `["▁a","b"]`, `"a a"`, `["a","a"]`).Replace(small)))
	f.Add([]byte(small[:len(small)/2]))
	f.Fuzz(func(t *testing.T, b []byte) {
		if d, err := parseJSON(b); err == nil {
			if tok, err := build(d, defaults()); err == nil {
				use(t, tok)
			}
		}
	})
}

// The seeds of the two targets above must be readable, or they fuzz nothing.
func TestSeedsAreReadable(t *testing.T) {
	d, err := parseModel(smallModel())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := build(d, defaults()); err != nil {
		t.Fatal(err)
	}
	if d, err = parseJSON([]byte(smallJSON())); err != nil {
		t.Fatal(err)
	}
	if _, err := build(d, defaults()); err != nil {
		t.Fatal(err)
	}
}

func FuzzEncode(f *testing.F) {
	tok := mistral(f)
	for _, e := range readGoldens(f).Texts {
		f.Add(e.Text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		ids := tok.Encode(text)
		for _, id := range ids {
			if id < 3 || int(id) >= tok.Vocab() {
				t.Fatalf("%q: id %d", text, id)
			}
		}
		want := strings.ReplaceAll(text, meta, " ")
		if !utf8.ValidString(text) {
			want = strings.ReplaceAll(string([]rune(text)), meta, " ")
		}
		if got := tok.Decode(ids); got != want {
			t.Errorf("%q: decoded %q", text, got)
		}
	})
}

func FuzzDecode(f *testing.F) {
	tok := mistral(f)
	for _, e := range readGoldens(f).Decode {
		var b []byte
		for _, id := range e.IDs {
			b = binary.LittleEndian.AppendUint32(b, uint32(id))
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var ids []int32
		for ; len(b) >= 4; b = b[4:] {
			ids = append(ids, int32(binary.LittleEndian.Uint32(b)))
		}
		checkStream(t, tok, ids)
	})
}
