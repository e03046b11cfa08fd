package grammar

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

const person = `{"type":"object","properties":{
	"name":{"type":"string","minLength":1,"maxLength":40},
	"age":{"type":"integer","minimum":0,"maximum":150},
	"mood":{"enum":["glad","sad","嬉しい"]},
	"born":{"type":"string","format":"date"},
	"friends":{"type":"array","items":{"$ref":"#"},"maxItems":4},
	"score":{"type":["number","null"],"minimum":0,"maximum":1}},
	"required":["name","mood"],"additionalProperties":false}`

// TestMistral walks a schema with the vocabulary of 32,000 pieces: what the
// tokenizer's reader gives satisfies the schema.
func TestMistral(t *testing.T) {
	v := newMistral(t)
	g, err := compiler(t, v, DefaultLimits()).Schema([]byte(person))
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(person))
	if err != nil {
		t.Fatal(err)
	}
	jc := jsonschema.NewCompiler()
	jc.AssertFormat()
	if err := jc.AddResource("person.json", doc); err != nil {
		t.Fatal(err)
	}
	oracle := jc.MustCompile("person.json")
	ended := 0
	for seed := range uint64(20) {
		tokens, err := walk(g, rand.New(rand.NewPCG(seed, 8)), 400)
		if errors.Is(err, errOpen) {
			continue
		}
		text := v.Decode(tokens)
		if err != nil || text != answer(v, tokens) {
			t.Fatalf("seed %d: %q, %q: %v", seed, text, answer(v, tokens), err)
		}
		ended++
		instance, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
		if err == nil {
			err = oracle.Validate(instance)
		}
		if err != nil {
			t.Errorf("seed %d: %q: %v", seed, text, err)
		}
	}
	if ended < 10 {
		t.Errorf("only %d walks came to an end", ended)
	}
}

// TestNaturalTokens: documents as the tokenizer splits them are accepted token by
// token, in any of the layouts that are written.
func TestNaturalTokens(t *testing.T) {
	v := newMistral(t)
	c := compiler(t, v, DefaultLimits())
	documents := []string{
		`{"name":"Ada","mood":"glad"}`,
		`{"name": "八つの専門家 👩‍👧", "age": 36, "mood": "嬉しい", "born": "2000-02-29", "score": 0.25}`,
		"{\n  \"name\": \"a \\\"b\\\" \\u516b\",\n  \"mood\": \"sad\",\n  \"friends\": [\n    {\n      \"name\": \" x\",\n      \"mood\": \"sad\"\n    }\n  ],\n  \"score\": null\n}",
	}
	schema, err := c.Schema([]byte(person))
	if err != nil {
		t.Fatal(err)
	}
	object, err := c.Object()
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range documents {
		for name, g := range map[string]*Grammar{"schema": schema, "object": object} {
			m, mask := g.Matcher(), make([]uint64, g.Words())
			for i, token := range v.Encode(text) {
				m.Mask(mask)
				if !set(mask, token) || !m.Accept(token) {
					t.Fatalf("%s: %q: token %d, %q, is refused", name, text, i, v.Bytes(token))
				}
			}
			if !m.Complete() || !m.Done() || !m.Accept(v.EOS()) {
				t.Errorf("%s: %q is not complete", name, text)
			}
		}
	}
	if !json.Valid([]byte(documents[2])) {
		t.Error("not JSON")
	}
}

// states are places of answers that differ in how many tokens may follow.
var states = []struct{ name, text string }{
	{"start", ``},
	{"name", `{`},
	{"string", `{"name":"Ada`},
	{"number", `{"name":"Ada","age":1`},
	{"end", `{"name":"Ada","age":1}`},
}

func at(b *testing.B, v mistral, g *Grammar, text string) *Matcher {
	m := g.Matcher()
	for _, token := range v.Encode(text) {
		if !m.Accept(token) {
			b.Fatalf("%q is refused", text)
		}
	}
	return m
}

const bounded = `{"type":"object","properties":{"name":{"type":"string","maxLength":400},"age":{"type":"integer"}}}`

// BenchmarkMask measures a mask that is remembered, and one that must be worked
// out: with the transitions known, and with nothing known.
func BenchmarkMask(b *testing.B) {
	v := newMistral(b)
	c := compiler(b, v, DefaultLimits())
	object, err := c.Object()
	if err != nil {
		b.Fatal(err)
	}
	schema, err := c.Schema([]byte(bounded))
	if err != nil {
		b.Fatal(err)
	}
	mask := make([]uint64, c.Words())
	for name, g := range map[string]*Grammar{"object": object, "schema": schema} {
		for _, s := range states {
			m := at(b, v, g, s.text)
			b.Run(name+"/"+s.name+"/remembered", func(b *testing.B) {
				for b.Loop() {
					m.Mask(mask)
				}
			})
			b.Run(name+"/"+s.name+"/new", func(b *testing.B) {
				for b.Loop() {
					clear(g.masks)
					g.first = nil
					m.Mask(mask)
				}
			})
		}
	}
}

// BenchmarkAnswer measures a whole answer of 200 tokens or so: masks and
// accepting, with a new grammar each time and with one that is known.
func BenchmarkAnswer(b *testing.B) {
	v := newMistral(b)
	c := compiler(b, v, DefaultLimits())
	text := `{"name":"` + strings.Repeat("The eight experts 八つの専門家 ", 12) + `","age":36}`
	tokens := v.Encode(text)
	mask := make([]uint64, c.Words())
	run := func(b *testing.B, g *Grammar) {
		m := g.Matcher()
		for _, token := range tokens {
			m.Mask(mask)
			if !m.Accept(token) {
				b.Fatal("refused")
			}
		}
	}
	b.Run("known", func(b *testing.B) {
		g, err := c.Schema([]byte(bounded))
		if err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			run(b, g)
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(tokens)), "ns/token")
	})
	b.Run("new", func(b *testing.B) {
		for b.Loop() {
			c.recent = nil
			g, err := c.Schema([]byte(bounded))
			if err != nil {
				b.Fatal(err)
			}
			run(b, g)
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(tokens)), "ns/token")
	})
}

func BenchmarkCompile(b *testing.B) {
	v := newMistral(b)
	c := compiler(b, v, DefaultLimits())
	for name, source := range map[string]string{"person": person, "bounded": bounded} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				c.recent = nil
				if _, err := c.Schema([]byte(source)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("vocabulary of 32,000 pieces", func(b *testing.B) {
		for b.Loop() {
			compiler(b, v, DefaultLimits())
		}
	})
}
