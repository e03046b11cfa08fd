package grammar

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/hachi-serve/hachi/internal/text/grammar/automaton"
)

func set(mask []uint64, token int32) bool { return mask[token/64]>>(token%64)&1 != 0 }

// allowed lists the tokens of a mask.
func allowed(mask []uint64, size int) (tokens []int32) {
	for t := range int32(size) {
		if set(mask, t) {
			tokens = append(tokens, t)
		}
	}
	return tokens
}

// answer is what a reader makes of tokens.
func answer(v Vocabulary, tokens []int32) string {
	var out []byte
	for i, t := range tokens {
		if i == 0 {
			out = append(out, v.First(t)...)
		} else {
			out = append(out, v.Bytes(t)...)
		}
	}
	return string(out)
}

// walk samples an answer. It checks at every step that the mask is not empty,
// that Accept takes the tokens of the mask and no other, and that Done and
// Complete tell the truth.
func walk(g *Grammar, r *rand.Rand, most int) ([]int32, error) {
	v := g.compiler.vocabulary
	m, mask := g.Matcher(), make([]uint64, g.Words())
	var tokens []int32
	for len(tokens) < most && !m.Done() {
		m.Mask(mask)
		choice := allowed(mask, v.Size())
		if len(choice) == 0 {
			return tokens, errors.New("an empty mask")
		}
		if m.Complete() != set(mask, v.EOS()) {
			return tokens, fmt.Errorf("complete is %v", m.Complete())
		}
		tries := []int32{-1, int32(v.Size())}
		for t := range int32(v.Size()) {
			if v.Size() < 1000 || r.IntN(v.Size()) < 40 {
				tries = append(tries, t)
			}
		}
		for _, t := range tries {
			if c := m.Clone(); c.Accept(t) != (t >= 0 && int(t) < v.Size() && set(mask, t)) {
				return tokens, fmt.Errorf("token %d is allowed: %v", t, t >= 0 && int(t) < v.Size() && set(mask, t))
			}
		}
		for _, t := range choice[:min(len(choice), 300)] {
			if !m.Clone().Accept(t) {
				return tokens, fmt.Errorf("token %d of the mask is refused", t)
			}
		}
		t := choice[r.IntN(len(choice))]
		if r.IntN(3) == 0 { // towards the end
			for _, end := range choice {
				if b := v.Bytes(end); len(b) == 1 && strings.ContainsAny(string(b), `"]}`) {
					t = end
				}
			}
		}
		if !m.Accept(t) {
			return tokens, fmt.Errorf("token %d is refused", t)
		}
		if t == v.EOS() {
			break
		}
		tokens = append(tokens, t)
	}
	if m.Done() && len(tokens) < most {
		m.Mask(mask)
		if rest := allowed(mask, v.Size()); len(rest) > 1 || len(rest) == 1 && rest[0] != v.EOS() {
			return tokens, fmt.Errorf("after the end: %v", rest)
		}
		return tokens, nil
	}
	return tokens, errOpen
}

// errOpen means that a walk has not come to an end.
var errOpen = errors.New("not at an end")

var schemas = []string{
	`{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"array","items":{"type":["integer","null"]}}},"required":["a"]}`,
	`{"type":"string","maxLength":20,"minLength":2}`,
	`{"type":"string","maxLength":70,"minLength":35}`,
	`{"type":"array","items":{"type":"array","maxItems":40,"items":{"enum":["aa",12,true]}},"minItems":20}`,
	`{"type":"string","pattern":"^(?:a|aa|[^b]日){20,50}$"}`,
	`{"anyOf":[{"type":"array","items":{"$ref":"#/$defs/a"}},{"type":"array","items":{"$ref":"#/$defs/b"}},{"$ref":"#/$defs/a"},{"$ref":"#/$defs/b"}],"$defs":{
		"a":{"type":"array","items":{"anyOf":[{"$ref":"#/$defs/a"},{"$ref":"#/$defs/b"},{"type":"string"}]},"maxItems":30},
		"b":{"type":"array","items":{"anyOf":[{"$ref":"#/$defs/b"},{"$ref":"#/$defs/a"},{"type":["string","null"]}]},"maxItems":31}}}`,
	`{"enum":["aa","ab","日本",true,12]}`,
	`{"$ref":"#/$defs/t","$defs":{"t":{"type":"array","items":{"anyOf":[{"$ref":"#/$defs/t"},{"type":"number"}]}}}}`,
}

var expressions = []string{``, `a*`, `(?:aa|b)+`, `日本"? a`, `[^a]{3}`, ` *x`, `(?s).{0,5}`}

// TestWalks walks every kind of grammar over a vocabulary with many borders.
func TestWalks(t *testing.T) {
	c := compiler(t, small(), DefaultLimits())
	check := func(name string, g *Grammar, err error, valid func(text string) bool) {
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		ended := 0
		for seed := range uint64(30) {
			tokens, err := walk(g, rand.New(rand.NewPCG(seed, 8)), 200)
			text := answer(small(), tokens)
			if errors.Is(err, errOpen) {
				continue
			}
			if err != nil {
				t.Errorf("%s: seed %d: %q: %v", name, seed, text, err)
				return
			}
			ended++
			if !valid(text) {
				t.Errorf("%s: seed %d: %q is not of the language", name, seed, text)
			}
		}
		if ended < 10 {
			t.Errorf("%s: only %d walks came to an end", name, ended)
		}
	}
	for _, s := range schemas {
		g, err := c.Schema([]byte(s))
		check(s, g, err, func(text string) bool { return json.Valid([]byte(text)) })
	}
	for _, e := range expressions {
		g, err := c.Regex(e)
		whole := regexp.MustCompile(`\A(?:` + e + `)\z`)
		check(e, g, err, whole.MatchString)
	}
	g, err := c.Object()
	check("object", g, err, func(text string) bool {
		return json.Valid([]byte(text)) && strings.HasPrefix(text, "{")
	})
	choices := []string{"yes", "no", "日本", " a b", "a"}
	g, err = c.Choice(choices)
	check("choice", g, err, func(text string) bool { return slices.Contains(choices, text) })
}

// TestFirstToken: the first token may begin with a blank that the reader drops,
// followed by text or not. A later token may not.
func TestFirstToken(t *testing.T) {
	v := small()
	c := compiler(t, v, DefaultLimits())
	id := func(text string) int32 { return int32(slices.Index(v.texts, text)) }
	late := int32(len(v.texts)-1) - int32(slices.Index(reversed(v.texts), " ")) // the piece, not the byte
	for _, tt := range []struct {
		expression string
		tokens     []int32
		refused    int // from which on, -1 for none
		complete   bool
	}{
		{`\{.*`, []int32{id(" {"), id("}")}, -1, true},
		{`\{.*`, []int32{late, id("{"), id("}")}, -1, true},
		{`\{.*`, []int32{id(" "), id("{")}, -1, true},
		{`\{.*`, []int32{late, late}, 1, false},
		{`\{.*`, []int32{late, id(" {")}, 1, false},
		{`\{.*`, []int32{id("  ")}, 0, false},
		{` \{`, []int32{id(" {")}, 0, false},
		{` \{`, []int32{id("  "), id("{")}, -1, true},
		{` \{`, []int32{late, id(" {")}, -1, true},
		{``, []int32{late}, 0, true},
		{` ?`, []int32{late}, -1, true},
		{`a`, []int32{0}, 0, false},
		{`a`, []int32{v.EOS()}, 0, false},
		{`a?`, []int32{v.EOS(), id("a")}, 1, true},
	} {
		g, err := c.Regex(tt.expression)
		if err != nil {
			t.Fatal(err)
		}
		m, mask := g.Matcher(), make([]uint64, g.Words())
		refused := -1
		for i, token := range tt.tokens {
			m.Mask(mask)
			in := set(mask, token)
			if ok := m.Accept(token); ok != in {
				t.Errorf("%q, %d: token %d of %v: mask %v, accepted %v", tt.expression, i, token, tt.tokens, in, ok)
			} else if !ok {
				refused = i
				break
			}
		}
		if refused != tt.refused || m.Complete() != tt.complete {
			t.Errorf("%q: %v: refused at %d, complete %v; expected %d, %v", tt.expression, tt.tokens, refused, m.Complete(), tt.refused, tt.complete)
		}
	}
}

func reversed(texts []string) []string {
	texts = slices.Clone(texts)
	slices.Reverse(texts)
	return texts
}

// TestForgetting: how little is remembered changes no mask.
func TestForgetting(t *testing.T) {
	tight := DefaultLimits()
	tight.Sets, tight.Masks, tight.Grammars = 1, 1, 1
	roomy, poor := compiler(t, small(), DefaultLimits()), compiler(t, small(), tight)
	for _, s := range schemas {
		a, errA := roomy.Schema([]byte(s))
		b, errB := poor.Schema([]byte(s))
		if errA != nil || errB != nil {
			t.Fatal(errA, errB)
		}
		r := rand.New(rand.NewPCG(7, 7))
		ma, mb := a.Matcher(), b.Matcher()
		x, y := make([]uint64, a.Words()), make([]uint64, a.Words())
		for range 60 {
			ma.Mask(x)
			mb.Mask(y)
			if !slices.Equal(x, y) {
				t.Fatalf("%s: two masks", s)
			}
			choice := allowed(x, small().Size())
			if len(choice) == 0 {
				break
			}
			token := choice[r.IntN(len(choice))]
			if !ma.Accept(token) || !mb.Accept(token) || ma.Done() != mb.Done() || ma.Complete() != mb.Complete() {
				t.Fatalf("%s: they part at token %d", s, token)
			}
		}
	}
}

// TestTogether: answers of one grammar do not change one another.
func TestTogether(t *testing.T) {
	v := small()
	c := compiler(t, v, DefaultLimits())
	const seeds = 8
	masks := func(c *Compiler, seed uint64) (all []uint64) {
		g, err := c.Schema([]byte(schemas[seed%2]))
		if err != nil {
			t.Error(err)
			return nil
		}
		r := rand.New(rand.NewPCG(seed, 9))
		m, mask := g.Matcher(), make([]uint64, g.Words())
		for range 40 {
			m.Mask(mask)
			all = append(all, mask...)
			choice := allowed(mask, v.Size())
			if len(choice) == 0 || !m.Accept(choice[r.IntN(len(choice))]) {
				break
			}
		}
		return all
	}
	var alone, together [seeds][]uint64
	for seed := range alone {
		alone[seed] = masks(compiler(t, v, DefaultLimits()), uint64(seed))
	}
	var wait sync.WaitGroup
	for seed := range together {
		wait.Go(func() { together[seed] = masks(c, uint64(seed)) })
	}
	wait.Wait()
	for seed := range alone {
		if !slices.Equal(alone[seed], together[seed]) {
			t.Errorf("seed %d: the masks differ", seed)
		}
	}
}

// TestHorizon: places of a long count share a mask, as long as no token reaches
// its end.
func TestHorizon(t *testing.T) {
	c := compiler(t, small(), DefaultLimits())
	g, err := c.Schema([]byte(`{"type":"string","maxLength":500}`))
	if err != nil {
		t.Fatal(err)
	}
	m, mask := g.Matcher(), make([]uint64, g.Words())
	for i := range 501 {
		m.Mask(mask)
		token := int32('x' + 2)
		if i == 0 {
			token = '"' + 2
		}
		if !m.Accept(token) {
			t.Fatal("refused")
		}
	}
	if len(g.masks) > c.tokens.depth+2 {
		t.Errorf("%d masks were worked out, the longest token has %d bytes", len(g.masks), c.tokens.depth)
	}
}

// TestKinds holds masks by kind against masks that are worked out for every Set,
// also where the limits on nesting and on readings cut in.
func TestKinds(t *testing.T) {
	v := small()
	shared := 0
	for _, cut := range [][2]int{{32, 256}, {3, 256}, {32, 4}, {2, 5}} {
		l := DefaultLimits()
		l.Nesting, l.Readings = cut[0], cut[1]
		c := compiler(t, v, l)
		for _, s := range schemas {
			g, err := c.Schema([]byte(s))
			if err != nil {
				t.Fatal(err)
			}
			masks, plain := map[uint64]map[*automaton.Set][]uint64{}, map[uint64]bool{}
			for seed := range uint64(12) {
				r := rand.New(rand.NewPCG(seed, 3))
				for m := g.Matcher(); !m.Done(); {
					mask, isPlain := g.walk(c.tokens, m.at.Set)
					kind := m.at.Kind()
					if masks[kind] == nil {
						masks[kind] = map[*automaton.Set][]uint64{}
					}
					masks[kind][m.at.Set] = mask
					plain[kind] = plain[kind] || isPlain
					choice := allowed(mask, v.Size())
					token := choice[r.IntN(len(choice))]
					for _, bracket := range []string{"[", "[]", "]", `"`} {
						id := int32(slices.Index(v.texts, bracket))
						if set(mask, id) && r.IntN(3) == 0 {
							token = id
						}
					}
					if !m.Accept(token) {
						if !m.started {
							continue // the mask is that of a text that has begun
						}
						t.Fatalf("%s: token %d is refused", s, token)
					}
				}
			}
			for kind, sets := range masks {
				var one []uint64
				for _, mask := range sets {
					if one != nil && plain[kind] && !slices.Equal(one, mask) {
						t.Errorf("nesting %d, readings %d: %s: a kind has two masks", l.Nesting, l.Readings, s)
					}
					one = mask
				}
				if len(sets) > 1 && plain[kind] {
					shared++
				}
			}
		}
	}
	if shared < 20 {
		t.Errorf("only %d kinds have several Sets", shared)
	}
}

func TestClone(t *testing.T) {
	c := compiler(t, small(), DefaultLimits())
	g, err := c.Choice([]string{"ab", "aa"})
	if err != nil {
		t.Fatal(err)
	}
	m := g.Matcher()
	if !m.Accept('a' + 2) {
		t.Fatal("a is refused")
	}
	wide := slices.Repeat([]uint64{^uint64(0)}, g.Words()+2)
	if m.Mask(wide); wide[g.Words()] != 0 || wide[g.Words()+1] != 0 || !set(wide, 'a'+2) || set(wide, 'x'+2) {
		t.Error("a mask for more logits than tokens")
	}
	other := m.Clone()
	if !m.Accept('b'+2) || !m.Done() || other.Done() || !other.Accept('a'+2) || m.Accept('a'+2) {
		t.Error("a clone is not on its own")
	}
}

func TestRemembered(t *testing.T) {
	l := DefaultLimits()
	l.Grammars = 2
	c := compiler(t, small(), l)
	regex := func(e string) *Grammar {
		g, err := c.Regex(e)
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
	a, b := regex("a"), regex("b")
	if regex("a") != a || regex("b") != b {
		t.Error("a grammar was compiled twice")
	}
	regex("a")
	regex("c") // b was asked for last
	if regex("a") != a || regex("b") == b {
		t.Error("the wrong grammar was forgotten")
	}
	if _, err := c.Schema([]byte("a")); err == nil {
		t.Error("a schema was taken for an expression")
	}
}

func TestRefused(t *testing.T) {
	l := DefaultLimits()
	l.SourceBytes, l.Nesting = 100, 1
	c := compiler(t, small(), l)
	long := strings.Repeat("x", 101)
	nested := `{"type":"array","items":{"$ref":"#"},"minItems":1}`
	deep := `{"$ref":"#/$defs/a","$defs":{"a":{"anyOf":[{"const":1},{"items":{"$ref":"#/$defs/a"}}]}}}`
	_, nothing := c.Choice(nil)
	_, notUTF8 := c.Choice([]string{"\xff"})
	_, longChoice := c.Choice([]string{long})
	_, longRegex := c.Regex(long)
	_, badRegex := c.Regex("(")
	_, longSchema := c.Schema([]byte(`{"title":"` + long + `"}`))
	_, badSchema := c.Schema([]byte(nested))
	_, unknown := c.Schema([]byte(`{"properties":{"a":{"not":{"const":1}}}}`))
	for _, tt := range []struct {
		err  error
		want string
	}{
		{nothing, "no text"}, {notUTF8, "not UTF-8"}, {longChoice, "too large"}, {longRegex, "too large"}, {badRegex, "missing closing )"},
		{longSchema, "too large"}, {badSchema, "no text can satisfy"}, {unknown, "/properties/a/not: not: expected {}, true or false"},
	} {
		if tt.err == nil || !strings.Contains(tt.err.Error(), tt.want) {
			t.Errorf("%v, expected %q", tt.err, tt.want)
		}
	}
	var f *Fault
	if !errors.As(unknown, &f) || f.Pointer != "/properties/a/not" {
		t.Errorf("%#v", unknown)
	}
	if _, err := c.Schema([]byte(deep)); err != nil {
		t.Error(err)
	}
	l.SourceBytes, l.Readings = 1<<10, 1
	_, wide := compiler(t, small(), l).Schema([]byte(deep))
	if !errors.As(wide, &f) || !errors.Is(wide, ErrTooLarge) {
		t.Errorf("%v", wide)
	}
}

// FuzzWalk: whatever compiles can be walked to no dead end.
func FuzzWalk(f *testing.F) {
	for _, s := range schemas {
		f.Add(true, s, uint64(1))
	}
	for _, e := range expressions {
		f.Add(false, e, uint64(1))
	}
	l := DefaultLimits()
	l.SourceBytes, l.States, l.Sets, l.Readings, l.Nesting = 2048, 2048, 64, 4, 4
	c := compiler(f, small(), l)
	f.Fuzz(func(t *testing.T, isSchema bool, source string, seed uint64) {
		compile := c.Regex
		if isSchema {
			compile = func(s string) (*Grammar, error) { return c.Schema([]byte(s)) }
		}
		g, err := compile(source)
		if err != nil {
			return
		}
		if _, err := walk(g, rand.New(rand.NewPCG(seed, 8)), 30); err != nil && !errors.Is(err, errOpen) {
			t.Fatalf("%q: %v", source, err)
		}
	})
}
