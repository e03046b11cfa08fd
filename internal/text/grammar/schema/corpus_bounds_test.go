package schema

import "strings"

// boundCorpus is about bounds that need more states than an automaton may have, if
// each count were one.
var boundCorpus = []sample{
	{"a bound that no answer reaches", `{"type":"string","maxLength":524288}`, []string{`""`, `"` + strings.Repeat("日", 9000) + `"`}, []string{`1`}, nil},
	{"a long text", `{"type":"string","minLength":4000,"maxLength":4200}`,
		[]string{`"` + strings.Repeat("a", 4000) + `"`, `"` + strings.Repeat("a", 4099) + `"`, `"` + strings.Repeat("a", 4200) + `"`}, []string{`"` + strings.Repeat("a", 3999) + `"`, `"` + strings.Repeat("a", 4201) + `"`}, nil},
	{"a text of at least", `{"type":"string","minLength":700}`, []string{`"` + strings.Repeat("a", 700) + `"`, `"` + strings.Repeat("a", 800) + `"`}, []string{`"` + strings.Repeat("a", 699) + `"`}, nil},
	{"many items", `{"type":"array","items":{"type":"array","maxItems":60000,"items":{"type":"null"}},"maxItems":60000}`, []string{`[]`, `[[],[null]]`, `[[` + strings.Repeat("null,", 4999) + `null]]`}, []string{`[[1]]`, `[null]`}, nil},
	{"exactly many items", `{"type":"array","prefixItems":[{"type":"string"}],"items":{"type":"integer"},"minItems":701,"maxItems":702}`,
		[]string{`["a"` + strings.Repeat(",1", 700) + `]`, `["a"` + strings.Repeat(",1", 701) + `]`}, []string{`["a"` + strings.Repeat(",1", 699) + `]`, `["a"` + strings.Repeat(",1", 702) + `]`}, nil},
	{"at least many items", `{"type":"array","items":{"type":"integer"},"minItems":701}`,
		[]string{`[1` + strings.Repeat(", 1", 700) + `]`, `[1` + strings.Repeat(",1", 990) + `]`}, []string{`[1` + strings.Repeat(",1", 699) + `]`}, nil},
	{"more members than any object has", `{"type":"object","additionalProperties":{"type":"null"},"maxProperties":100000}`, []string{`{}`, `{"a":null,"b":null}`}, []string{`{"a":1}`}, nil},
	{"a pattern that bounds itself", `{"type":"string","pattern":"^[a-z]{2,300}$","maxLength":524288}`, []string{`"ab"`, `"` + strings.Repeat("a", 300) + `"`}, []string{`"a"`}, nil},
	{"a long pattern", `{"type":"string","pattern":"^[a-z]+$","maxLength":524288}`, []string{`"ab"`, `"` + strings.Repeat("a", 256) + `"`}, []string{`"A"`}, []string{`"` + strings.Repeat("a", 257) + `"`}},
}
