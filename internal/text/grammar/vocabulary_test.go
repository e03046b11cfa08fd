package grammar

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/internal/text/tokenizer"
)

// pieces is a small vocabulary: 0 is a control token, 1 ends answers, then come
// all bytes, then texts.
type pieces struct{ texts []string }

func newPieces(texts ...string) pieces {
	all := []string{"", ""}
	for b := range 256 {
		all = append(all, string([]byte{byte(b)}))
	}
	return pieces{append(all, texts...)}
}

// small has texts that cross every kind of border.
func small() pieces {
	return newPieces(" ", `"`, `":`, `": `, `","`, `"}`, `"},`, `}]`, `[]`, `{}`, "{\"", ` {`, ` "a`, "\n ", "tr", "true", "null,", "fal", "12", ".5", "-1", "e",
		"日", "本\"", "\xe6\x97", "\xa5\xe6", `\u`, `\"`, "aa", "ab", "aaaaaaaaaaaaaaaa", `a":`, `"b`, " a b", "  ")
}

func (p pieces) Size() int            { return len(p.texts) }
func (p pieces) EOS() int32           { return 1 }
func (p pieces) Bytes(t int32) []byte { return []byte(p.texts[t]) }
func (p pieces) First(t int32) []byte { return bytes.TrimPrefix(p.Bytes(t), []byte(" ")) }

// mistral is the vocabulary of 32,000 pieces, by way of its tokenizer.
type mistral struct{ *tokenizer.Tokenizer }

func newMistral(t testing.TB) mistral {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "tokenizer.model"), tokenizer.MistralV1(), 0o600); err != nil {
		t.Fatal(err)
	}
	tok, err := tokenizer.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	return mistral{tok}
}

func (v mistral) Size() int            { return v.Vocab() }
func (v mistral) Bytes(t int32) []byte { return v.TokenBytes(t) }

func (v mistral) First(t int32) []byte {
	b := v.TokenBytes(t)
	if len(b) > 0 && b[0] == ' ' {
		return []byte(v.NewDecoder().Next(t)) // a text of its own: nothing is held back
	}
	return b
}

func compiler(t testing.TB, v Vocabulary, l Limits) *Compiler {
	t.Helper()
	c, err := NewCompiler(v, l)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestTrie: a walk meets every token at its own text, parents before children.
func TestTrie(t *testing.T) {
	p := small()
	tr, err := newTrie(p.Size(), p.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	var text []byte
	var met []int32
	for i := 1; i < len(tr.nodes)-1; i++ {
		n := tr.nodes[i]
		text = append(text[:n.depth-1], n.last)
		for _, token := range tr.tokens[n.tokens:tr.nodes[i+1].tokens] {
			met = append(met, token)
			if p.texts[token] != string(text) {
				t.Errorf("token %d, %q, is met at %q", token, p.texts[token], text)
			}
		}
		if n.skip <= int32(i) || n.skip < int32(len(tr.nodes))-1 && tr.nodes[n.skip].depth > n.depth {
			t.Errorf("node %d at %q skips to %d", i, text, n.skip)
		}
	}
	slices.Sort(met)
	if len(met) != p.Size()-2 || len(slices.Compact(met)) != p.Size()-2 {
		t.Errorf("%d tokens are met, expected %d", len(met), p.Size()-2)
	}
}

func TestVocabularyRefused(t *testing.T) {
	whole := small()
	gap := small()
	gap.texts['x'+2] = "xx"
	late := small()
	late.texts[1] = "end"
	long := newPieces(strings.Repeat("x", maxTokenBytes+1))
	for _, tt := range []struct {
		name   string
		v      Vocabulary
		limits Limits
		want   string
	}{
		{"a byte is missing", gap, DefaultLimits(), "0x78"},
		{"the end is text", late, DefaultLimits(), "stands for text"},
		{"no tokens", pieces{}, DefaultLimits(), "has 0 tokens"},
		{"a long token", long, DefaultLimits(), "1025 bytes"},
		{"limits", whole, Limits{}, "Nesting is 0"},
	} {
		if _, err := NewCompiler(tt.v, tt.limits); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, expected %q", tt.name, err, tt.want)
		}
	}
}
