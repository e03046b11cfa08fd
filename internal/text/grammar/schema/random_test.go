package schema

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/internal/text/grammar/automaton"
)

// author writes random schemas of the supported keywords.
type author struct{ *rand.Rand }

func (a author) pick(from ...string) string { return from[a.IntN(len(from))] }

func (a author) chance(one int) bool { return a.IntN(one) == 0 }

func (a author) document() string {
	defs := make([]string, 3)
	for i := range defs {
		defs[i] = fmt.Sprintf(`"d%d":%s`, i, a.schema(2))
	}
	root := a.schema(3)
	if root == "true" || root == "false" {
		root = "{}"
	}
	body := strings.TrimSuffix(strings.TrimPrefix(root, "{"), "}")
	if body != "" {
		body += ","
	}
	return "{" + body + `"$defs":{` + strings.Join(defs, ",") + "}}"
}

func (a author) schema(depth int) string {
	if depth <= 0 || a.chance(8) {
		return a.pick("true", "{}", `{"type":"null"}`, `{"type":"boolean"}`, `{"type":"integer"}`, `{"const":1}`, `{"enum":["a",2,null]}`)
	}
	var parts []string
	add := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	switch a.IntN(9) {
	case 0, 1, 2:
		a.object(depth, add)
	case 3:
		a.array(depth, add)
	case 4:
		a.text(add)
	case 5:
		a.number(add)
	case 6:
		add(`"$ref":"#/$defs/d%d"`, a.IntN(3))
	case 7:
		add(`"type":["%s","%s"]`, a.pick("string", "object", "integer"), a.pick("null", "array", "boolean"))
	}
	if a.chance(4) {
		add(`"%s":[%s,%s]`, a.pick("anyOf", "anyOf", "oneOf"), a.schema(depth-1), a.schema(depth-1))
	}
	if a.chance(5) {
		add(`"allOf":[%s,%s]`, a.schema(depth-1), a.schema(depth-1))
	}
	if a.chance(12) {
		add(`"enum":[1,"ab",{"a":1},[],null,true,2.5]`)
	}
	return "{" + strings.Join(parts, ",") + "}"
}

func (a author) object(depth int, add func(string, ...any)) {
	if !a.chance(5) {
		add(`"type":"object"`)
	}
	names := []string{"a", "b", "日", `q\"`}[:1+a.IntN(4)]
	if !a.chance(4) {
		var list []string
		for _, n := range names {
			list = append(list, fmt.Sprintf(`"%s":%s`, n, a.schema(depth-1)))
		}
		add(`"properties":{%s}`, strings.Join(list, ","))
	}
	if a.chance(2) {
		add(`"required":["%s"]`, a.pick(names...))
	}
	if a.chance(2) {
		add(`"additionalProperties":%s`, a.pick("false", "true", a.schema(depth-1)))
	}
	a.names(depth, names, add)
}

// names adds rules for the names and the number of members.
func (a author) names(depth int, names []string, add func(string, ...any)) {
	if a.chance(4) {
		add(`"propertyNames":%s`, a.pick(`{"type":"string"}`, `{"pattern":"^[a-c]"}`, `{"enum":["a","b","x",1]}`, `{"minLength":2}`, `{"anyOf":[{"const":"a"},{"maxLength":1}]}`, "false"))
	}
	if a.chance(3) {
		add(`"patternProperties":{"%s":%s,"%s":%s}`, a.pick("^a", "b$", "."), a.schema(depth-1), a.pick("^(b|x)$", "日", "^[^a]"), a.schema(depth-1))
	}
	if a.chance(4) {
		add(`"minProperties":%d`, a.IntN(4))
	}
	if a.chance(4) {
		add(`"maxProperties":%d`, a.IntN(4))
	}
	if a.chance(5) {
		add(`"dependentRequired":{"%s":["%s"]}`, a.pick(names...), a.pick("a", "b", "z"))
	}
}

func (a author) array(depth int, add func(string, ...any)) {
	add(`"type":"array"`)
	if a.chance(2) {
		add(`"items":%s`, a.schema(depth-1))
	}
	if a.chance(3) {
		add(`"prefixItems":[%s,%s]`, a.schema(depth-1), a.schema(depth-1))
	}
	if a.chance(2) {
		add(`"minItems":%d`, a.IntN(4))
	}
	if a.chance(2) {
		add(`"maxItems":%d`, a.IntN(5))
	}
	if a.chance(4) {
		add(`"uniqueItems":%s`, a.pick("true", "true", "false"))
	}
}

func (a author) text(add func(string, ...any)) {
	add(`"type":"string"`)
	if a.chance(3) {
		add(`"minLength":%d`, a.IntN(4))
	}
	if a.chance(3) {
		add(`"maxLength":%d`, a.IntN(6))
	}
	if a.chance(3) {
		add(`"pattern":"%s"`, a.pick("a", "^b*$", `^.\\s`, `[^\\w]$`, "^日?本+", `^\\S{1,3}$`, `\\u65e5|\"`))
	}
	if a.chance(6) {
		add(`"format":"%s"`, a.pick("date", "uuid", "ipv4", "time", "email"))
	}
}

func (a author) number(add func(string, ...any)) {
	add(`"type":"%s"`, a.pick("integer", "number"))
	for _, name := range []string{"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"} {
		if a.chance(3) {
			add(`"%s":%s`, name, a.pick("0", "-1", "1.5", "-20.25", "99", "100", "1e2", "12345", "-0.001"))
		}
	}
	if a.chance(3) {
		add(`"multipleOf":%s`, a.pick("2", "7", "0.5", "0.01", "12", "1e3", "37"))
	}
}

// TestRandomSchemas: what is written for random schemas satisfies them, and
// every fault is one of those that such schemas can have.
func TestRandomSchemas(t *testing.T) {
	rounds := uint64(600)
	if testing.Short() {
		rounds = 100
	}
	small := Limits{Bytes: 1 << 14, Depth: 32, States: 1 << 13, Steps: 1 << 22, Indent: 1}
	compiled := 0
	for seed := range rounds {
		source := author{rand.New(rand.NewPCG(seed, 88))}.document()
		p, err := Compile([]byte(source), small)
		if err != nil {
			expected := errors.Is(err, automaton.ErrTooLarge)
			for _, part := range []string{"no text can satisfy", "leads to itself", "refers to itself", "exclude each other", "none of the listed", "minItems is", "minLength is", "minProperties is", "may exceed the required members", "items of at most 256 listed values", "disagree"} {
				expected = expected || strings.Contains(err.Error(), part)
			}
			if !expected {
				t.Errorf("seed %d: %s: %v", seed, source, err)
			}
			continue
		}
		s, err := oracle(strings.ReplaceAll(source, `\\u65e5`, "日"))
		if err != nil {
			t.Fatalf("seed %d: %s: the oracle: %v", seed, source, err)
		}
		compiled++
		m, err := machine(p)
		if err != nil {
			continue // nested deeper than the test allows
		}
		for i := range uint64(8) {
			text, err := walk(m, rand.New(rand.NewPCG(seed, i)))
			if err != nil {
				t.Errorf("seed %d: %s: %v", seed, source, err)
				break
			}
			if err := judge(s, text); err != nil {
				t.Errorf("seed %d: %s: %q: %v", seed, source, text, err)
				break
			}
		}
	}
	if compiled < int(rounds)/2 {
		t.Errorf("only %d of %d schemas were compiled", compiled, rounds)
	}
}
