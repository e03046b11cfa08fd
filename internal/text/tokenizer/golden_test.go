package tokenizer

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// goldens are outputs of sentencepiece and of Hugging Face tokenizers; see
// testdata/goldens.py.
type goldens struct {
	VocabHash  string `json:"vocab_sha256"`
	MergesHash string `json:"merges_sha256"`
	Texts      []textGolden
	Bytes      []struct {
		Hex string
		SPM []int32
	}
	Decode []struct {
		IDs []int32
		HF  string
		SPM string
	}
	AddedTokens json.RawMessage `json:"added_tokens"`
	Added       []textGolden
	Templates   []textGolden
	UserDefined []textGolden `json:"user_defined"`
}

// textGolden has the ids of each form of a tokenizer.json; a missing one is
// that of sentencepiece.
type textGolden struct {
	Text                              string
	SPM, Legacy, First, Always, Never []int32
}

func (g textGolden) ids(form string) []int32 {
	ids := map[string][]int32{"legacy": g.Legacy, "first": g.First, "always": g.Always, "never": g.Never}[form]
	if ids == nil {
		return g.SPM
	}
	return ids
}

var forms = []string{"legacy", "first", "always", "never"}

func readGoldens(t testing.TB) goldens {
	t.Helper()
	b, err := os.ReadFile("testdata/goldens.json")
	if err != nil {
		t.Fatal(err)
	}
	var g goldens
	if err := json.Unmarshal(b, &g); err != nil {
		t.Fatal(err)
	}
	return g
}

// open loads a checkpoint directory that has these files.
func open(t testing.TB, files map[string]string) (*Tokenizer, error) {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return Load(dir)
}

func mustOpen(t testing.TB, files map[string]string) *Tokenizer {
	t.Helper()
	tok, err := open(t, files)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

var cached sync.Map // of the tokenizers that most tests use

func mistral(t testing.TB) *Tokenizer {
	t.Helper()
	return once(t, "model", func() map[string]string { return map[string]string{modelFile: string(MistralV1())} })
}

// converted is the same vocabulary as a tokenizer.json.
func converted(t testing.TB, form string) *Tokenizer {
	t.Helper()
	return once(t, form, func() map[string]string { return map[string]string{jsonFile: convert().file(t, form, nil)} })
}

func once(t testing.TB, key string, files func() map[string]string) *Tokenizer {
	t.Helper()
	if tok, ok := cached.Load(key); ok {
		return tok.(*Tokenizer)
	}
	tok := mustOpen(t, files())
	cached.Store(key, tok)
	return tok
}

func same(t *testing.T, what, text string, got, want []int32) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: %q: got %v, want %v", what, text, got, want)
	}
}

func TestModelEncodesAsSentencePiece(t *testing.T) {
	tok, g := mistral(t), readGoldens(t)
	if len(g.Texts) < 400 {
		t.Fatalf("%d texts", len(g.Texts))
	}
	for _, e := range g.Texts {
		same(t, "model", e.Text, tok.Encode(e.Text), e.SPM)
		same(t, "model", e.Text, tok.Prompt(e.Text), append([]int32{1}, e.SPM...))
	}
	for _, e := range g.Bytes {
		text := fromHex(t, e.Hex)
		same(t, "model", text, tok.Encode(text), e.SPM)
	}
}

func TestUserDefinedPiecesAsSentencePiece(t *testing.T) {
	edited := editPieces(t, MistralV1(), map[string]int{"東京都庁": 4, "ab": 4, "▁the": 4, "<x>": 4})
	tok := mustOpen(t, map[string]string{modelFile: string(edited)})
	for _, e := range readGoldens(t).UserDefined {
		same(t, "user-defined", e.Text, tok.Encode(e.Text), e.SPM)
	}
}

func TestJSONEncodesAsTokenizers(t *testing.T) {
	g, base := readGoldens(t), convert()
	if base.vocabHash() != g.VocabHash || base.mergesHash() != g.MergesHash {
		t.Fatal("the conversion of the model is not that of transformers")
	}
	for _, form := range forms {
		plain := converted(t, form)
		for _, e := range g.Texts {
			same(t, form, e.Text, plain.Encode(e.Text), e.ids(form))
		}
		for _, e := range g.Templates {
			same(t, form, e.Text, plain.EncodePieces(splitTemplate(plain, e.Text)), e.ids(form))
		}
		added := mustOpen(t, map[string]string{jsonFile: base.file(t, form, g.AddedTokens)})
		for _, e := range g.Added {
			same(t, form+", added", e.Text, added.Encode(e.Text), e.ids(form))
		}
	}
}

// splitTemplate finds the special tokens in a text that a template wrote.
func splitTemplate(tok *Tokenizer, text string) []Piece {
	var out []Piece
	for text != "" {
		start, end, id := tok.FindSpecial(text)
		if start > 0 {
			out = append(out, Piece{Text: text[:start]})
		}
		if id >= 0 {
			out = append(out, Piece{Special: true, ID: id})
		}
		text = text[end:]
	}
	return out
}

func TestDecode(t *testing.T) {
	g := readGoldens(t)
	for name, tok := range map[string]*Tokenizer{
		"model": mistral(t), "json": converted(t, "legacy"),
	} {
		for _, e := range g.Decode {
			want := e.HF
			if strings.ContainsRune(want, '\ufffd') {
				want = e.SPM // bytes that are no text: see the package's documentation
			}
			if got := tok.Decode(e.IDs); got != want {
				t.Errorf("%s: %v: got %q, want %q", name, e.IDs, got, want)
			}
		}
	}
}

// Whatever was encoded comes back, except that bytes outside UTF-8 do not.
func TestDecodeUndoesEncode(t *testing.T) {
	g := readGoldens(t)
	for _, form := range forms {
		tok := converted(t, form)
		for _, e := range g.Texts {
			want := strings.ReplaceAll(e.Text, meta, " ")
			if form == "first" || form == "always" {
				want = strings.TrimPrefix(want, " ") // Metaspace cannot tell "a" from " a"
			}
			if got := tok.Decode(tok.Encode(e.Text)); got != want {
				t.Errorf("%s: %q: decoded %q", form, e.Text, got)
			}
		}
	}
}
