package openai

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/internal/api/httpapi"
	"github.com/hachi-serve/hachi/internal/router/engine"
)

const integers = `{"type":"object","properties":{"n":{"type":"integer","minimum":0,"maximum":9}},"required":["n"],"additionalProperties":false}`

// formats are the ways to say what an answer has to be, and texts that are
// answers.
var formats = []struct{ body, text string }{
	{`"response_format":{"type":"json_object"}`, `{"a":[1,null]}`},
	{`"response_format":{"type":"json_schema","json_schema":{"name":"x","strict":true,"schema":` + integers + `}}`, `{"n":7}`},
	{`"response_format":{"type":"json_object","schema":` + integers + `}`, `{"n":7}`},
	{`"response_format":{"type":"json_object","json_schema":{"schema":` + integers + `}}`, `{"n":7}`},
	{`"response_format":{"type":"json_schema","schema":` + integers + `}`, `{"n":7}`},
	{`"response_format":{"type":"json_object","schema":null}`, `{"a":[1,null]}`},
	{`"structured_outputs":{"json":` + integers + `}`, `{"n":7}`},
	{`"structured_outputs":{"json":` + fmt.Sprintf("%q", integers) + `}`, `{"n":7}`},
	{`"structured_outputs":{"regex":"[ab]+c","choice":null}`, "abac"},
	{`"structured_outputs":{"choice":["yes","no"]}`, "no"},
	{`"structured_outputs":{"json_object":true}`, "{}"},
}

// takes reports whether a request's matcher takes tokens, and is then at an end.
func takes(r engine.Request, tokens []int32) bool {
	for _, token := range tokens {
		if !r.Matcher.Accept(token) {
			return false
		}
	}
	return r.Matcher.Done() || r.Matcher.Accept(2)
}

func TestLanguagesReachTheEngine(t *testing.T) {
	b := newBench(t, nil)
	for _, f := range formats {
		ask[chatShape](t, b, chatPath, `{`+user+`,"n":2,`+f.body+`}`)
		ask[textShape](t, b, textPath, `{"prompt":["x",""],`+f.body+`}`)
		calls := b.engine.Calls()
		calls = calls[len(calls)-4:]
		// As a text of its own the answer begins with a dropped blank, as a
		// continuation it does not.
		fresh := b.tokenizer.Encode(f.text)
		continued := slices.Clone(fresh)
		continued[0] = b.withoutBlank(t, fresh[0])
		for i, tokens := range [][]int32{fresh, fresh, continued, fresh} {
			if !takes(calls[i].Request, tokens) {
				t.Errorf("%s: call %d does not take %q", f.body, i, f.text)
			}
		}
	}
	ask[chatShape](t, b, chatPath, `{`+user+`,"response_format":{"type":"text"}}`)
	calls := b.engine.Calls()
	if calls[len(calls)-1].Request.Matcher != nil {
		t.Error("any text is a language")
	}
}

// withoutBlank finds the token of the same text without the blank before it.
func (b *bench) withoutBlank(t *testing.T, id int32) int32 {
	want := strings.TrimPrefix(string(b.tokenizer.TokenBytes(id)), " ")
	for other := range int32(b.tokenizer.Vocab()) {
		if string(b.tokenizer.TokenBytes(other)) == want {
			return other
		}
	}
	t.Fatalf("no token is %q", want)
	return 0
}

func TestLanguagesThatCannotBe(t *testing.T) {
	b := newBench(t, failing)
	for _, tt := range []struct{ body, param, code, mention string }{
		{`"response_format":"json"`, "response_format", httpapi.CodeType, "a string"},
		{`"response_format":{}`, "response_format.type", httpapi.CodeValue, "json_schema"},
		{`"response_format":{"type":"xml"}`, "response_format.type", httpapi.CodeValue, "xml"},
		{`"response_format":{"type":"json_schema"}`, "response_format.json_schema", httpapi.CodeMissing, "missing"},
		{`"response_format":{"type":"json_schema","json_schema":{"name":"x"}}`, "response_format.json_schema.schema", httpapi.CodeMissing, "missing"},
		{`"response_format":{"type":"json_schema","json_schema":{"schema":[]}}`, "response_format.json_schema.schema", httpapi.CodeType, "a list"},
		{`"response_format":{"type":"json_schema","json_schema":{"schema":{"type":"object","properties":{"a":{"not":{"type":"string"}}}}}}`, "response_format.json_schema.schema", httpapi.CodeValue, "/properties/a"},
		{`"response_format":{"type":"json_object","schema":5}`, "response_format.schema", httpapi.CodeType, "a number"},
		{`"response_format":{"type":"json_object","schema":{"type":"object","properties":{"a":{"not":{"type":"string"}}}}}`, "response_format.schema", httpapi.CodeValue, "/properties/a"},
		{`"response_format":{"type":"json_object","schema":{},"json_schema":{"schema":{}}}`, "response_format.json_schema.schema", httpapi.CodeValue, "twice"},
		{`"response_format":{"type":"text","schema":{}}`, "response_format.type", httpapi.CodeValue, "schema"},
		{`"response_format":{"type":"text","json_schema":{"schema":{}}}`, "response_format.type", httpapi.CodeValue, "schema"},
		{`"response_format":{"type":"json_schema","json_schema":{"strict":1,"schema":{}}}`, "response_format.json_schema.strict", httpapi.CodeType, "a number"},
		{`"structured_outputs":{"regex":"a","grammar":"x"}`, "structured_outputs.grammar", httpapi.CodeUnsupported, ""},
		{`"structured_outputs":{}`, "structured_outputs", httpapi.CodeValue, "0 of"},
		{`"structured_outputs":{"regex":"a","choice":["b"]}`, "structured_outputs", httpapi.CodeValue, "2 of"},
		{`"structured_outputs":{"regex":"("}`, "structured_outputs.regex", httpapi.CodeValue, ""},
		{`"structured_outputs":{"regex":5}`, "structured_outputs.regex", httpapi.CodeType, "a number"},
		{`"structured_outputs":{"choice":[]}`, "structured_outputs.choice", httpapi.CodeType, ""},
		{`"structured_outputs":{"choice":[1]}`, "structured_outputs.choice", httpapi.CodeType, ""},
		{`"structured_outputs":{"json":"{"}`, "structured_outputs.json", httpapi.CodeValue, ""},
		{`"structured_outputs":{"json_object":1}`, "structured_outputs.json_object", httpapi.CodeType, ""},
		{`"structured_outputs":{"regex":"a"},"response_format":{"type":"json_object"}`, "structured_outputs", httpapi.CodeValue, "response_format"},
		{`"guided_regex":"a"`, "guided_regex", httpapi.CodeUnsupported, ""},
	} {
		message, _, param, code := readError(t, b.post(chatPath, `{`+user+`,`+tt.body+`}`))
		if param != tt.param || code != tt.code || !strings.Contains(message, tt.param) || !strings.Contains(message, tt.mention) {
			t.Errorf("%s: param %q, code %q, message %q, want %q, %q, %q", tt.body, param, code, message, tt.param, tt.code, tt.mention)
		}
	}
}
