package grammar

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// TestItemsWithoutRepetition: whatever tokens are chosen, no item of the list is there
// twice, there is always a token that may follow, and Accept takes exactly those of the
// mask.
func TestItemsWithoutRepetition(t *testing.T) {
	v := newPieces(`"`, `","`, `", "`, `["`, `"]`, `","a","`, `a","a`, `aa`, `ab`, `"a"`, `,"`, `1,`, `1,1`, `,1`, `]`, `11`, `","",""`, `[1,1`, `[1,`, `["aa","aa"`, `["aa","`)
	for _, schema := range []string{
		`{"type":"array","items":{"type":"string","pattern":"^[ab]{1,9}$"},"uniqueItems":true,"minItems":3}`,
		`{"type":"array","items":{"type":"string","pattern":"^a*b?$"},"uniqueItems":true,"minItems":2}`,
		`{"type":"array","items":{"type":"integer","minimum":1,"maximum":300},"uniqueItems":true,"minItems":2}`,
		`{"type":"array","items":{"type":"string","maxLength":1},"uniqueItems":true}`,
		`{"type":"array","items":{"type":"array","items":{"type":"string","pattern":"^a{0,3}b*$"},"uniqueItems":true},"uniqueItems":true,"minItems":2}`,
	} {
		g, err := compiler(t, v, DefaultLimits()).Schema([]byte(schema))
		if err != nil {
			t.Fatalf("%s: %v", schema, err)
		}
		several := 0
		for seed := range uint64(60) {
			r := rand.New(rand.NewPCG(seed, 5))
			var text []byte
			mask := make([]uint64, g.Words())
			for m := g.Matcher(); !m.Done() && len(text) < 200; {
				m.Mask(mask)
				choice := allowed(mask, v.Size())
				if len(choice) == 0 {
					t.Fatalf("%s: nothing may follow %q", schema, text)
				}
				for token := range int32(v.Size()) {
					if took := m.Clone().Accept(token); took != slices.Contains(choice, token) {
						t.Fatalf("%s: after %q, %q is taken: %v", schema, text, v.texts[token], took)
					}
				}
				// Long tokens are rare by chance, and whole items are.
				token := choice[r.IntN(len(choice))]
				for _, other := range choice {
					if len(v.texts[other]) > 1 && r.IntN(6) == 0 {
						token = other
					}
				}
				m.Accept(token)
				text = append(text, v.texts[token]...)
			}
			var items []json.RawMessage
			if json.Unmarshal(text, &items) != nil {
				continue // cut
			}
			seen := map[string]bool{}
			for _, item := range items {
				if seen[string(item)] {
					t.Errorf("%s: %s has %s twice", schema, text, item)
				}
				seen[string(item)] = true
			}
			if len(items) > 1 {
				several++
			}
		}
		if several < 5 {
			t.Errorf("%s: %d answers have several items", schema, several)
		}
	}
}

// TestItemsWithoutRepetitionOfTokens of a real vocabulary.
func TestItemsWithoutRepetitionOfTokens(t *testing.T) {
	v := newMistral(t)
	g, err := compiler(t, v, DefaultLimits()).Schema([]byte(`{"type":"array","items":{"type":"string"},"uniqueItems":true,"minItems":3,"maxItems":4}`))
	if err != nil {
		t.Fatal(err)
	}
	m := g.Matcher()
	for _, token := range v.Encode(`["red", "green", "red`) {
		if !m.Accept(token) {
			t.Fatalf("%q is refused", v.TokenBytes(token))
		}
	}
	mask := make([]uint64, g.Words())
	m.Mask(mask)
	for token := range int32(v.Size()) {
		text := string(v.Bytes(token))
		if ends := strings.HasPrefix(text, `"`); ends && mask[token/64]>>(token%64)&1 != 0 {
			t.Errorf(`"red" is there twice by %q`, text)
		}
		if text == "ish" && !m.Clone().Accept(token) {
			t.Error("another word is refused")
		}
	}
	for seed := range uint64(4) {
		if _, err := walk(g, rand.New(rand.NewPCG(seed, 1)), 60); err != nil && !errors.Is(err, errOpen) {
			t.Error(err)
		}
	}
}

// BenchmarkMaskWithoutRepetition is the mask of a token in a text that may not be an
// earlier one.
func BenchmarkMaskWithoutRepetition(b *testing.B) {
	v := newMistral(b)
	g, err := compiler(b, v, DefaultLimits()).Schema([]byte(`{"type":"array","items":{"type":"string"},"uniqueItems":true}`))
	if err != nil {
		b.Fatal(err)
	}
	m := g.Matcher()
	for _, token := range v.Encode(`["red", "green", "blue", "re`) {
		m.Accept(token)
	}
	mask := make([]uint64, g.Words())
	for b.Loop() {
		m.Mask(mask)
	}
}
